using System.Text.Json.Nodes;
using SmartFrz.Kernels;
using SmartFrz.Kernels.Cpu;
using SmartFrz.Kernels.Cuda;
using SmartFrz.Nn.Data;
using SmartFrz.Nn.Options;
using SmartFrz.Nn.Weights;
using SmartFrz.Tensors;

namespace SmartFrz.Nn.Tests;

/// <summary>The vision transformer and the text encoder: sizes, names, units, masks.</summary>
public sealed class TransformerModelTests
{
    private const string SmallBert = """{"vocab_size":13,"max_position":9,"hidden":6,"layers":2,"heads":2,"intermediate":5,"num_labels":3,"dropout":0}""";
    private const string SmallDeit = """{"num_classes":3,"img_size":8,"patch_size":4,"dim":6,"depth":2,"heads":2}""";

    // Of timm's deit_tiny_patch16_224 and HuggingFace's BertForSequenceClassification("bert-base-uncased"). Multiplications with additions:
    // 1.25 G with the products of attention, as DeiT's authors count; of BERT for 128 tokens: 85.0 M weights of the blocks for each token,
    // the products of attention, the pooler and the classifier.
    [Theory]
    [InlineData("deit_tiny", "{}", 5_717_416, 1_253_683_200, 14)]
    [InlineData("bert_base", "{}", 109_483_778, (128L * 84_934_656) + (12L * 2 * 128 * 128 * 768) + (768 * 770), 14)]
    public void Sizes_are_those_of_the_originals(string name, string options, long parameters, long multiplyAdds, int units)
    {
        using var device = new DryDevice();
        using var engine = new Engine(device);
        using var network = Build(engine, name, options);

        Assert.Equal(parameters, network.Parameters().Sum(p => p.Shape.Count));
        foreach (var granularity in new[] { UnitGranularity.Layers, UnitGranularity.Blocks })
        {
            network.UnitGranularity = granularity;
            Assert.All(network.Parameters(), p => Assert.Single(network.Units, u => u.Contains(p.Name)));
            Assert.True(network.Units[^1].IsHead);
        }

        var summary = ModelSummary.Of(network);
        Assert.Equal(multiplyAdds, summary.Total.MultiplyAdds);
        Assert.Equal(parameters, summary.Layers.Sum(l => l.Parameters));
        Assert.Equal(parameters, summary.Units.Sum(l => l.Parameters));
        Assert.Equal(units, summary.Units.Count);
    }

    [Fact]
    public void Names_and_units_are_those_of_the_originals()
    {
        using var device = new DryDevice();
        using var engine = new Engine(device);
        using var deit = Build(engine, "deit_tiny", SmallDeit);
        using var bert = Build(engine, "bert_base", SmallBert);

        string[] Block(int i) => Pairs($"blocks.{i}.norm1", $"blocks.{i}.attn.qkv", $"blocks.{i}.attn.proj", $"blocks.{i}.norm2", $"blocks.{i}.mlp.fc1", $"blocks.{i}.mlp.fc2");
        Assert.Equal(
            [.. Pairs("patch_embed.proj"), "cls_token", "pos_embed", .. Block(0), .. Block(1), .. Pairs("norm", "head")],
            StateDict.Read(deit).Keys);
        Assert.Equal(["stem", "blocks.0", "blocks.1", "head"], deit.Units.Select(u => u.Name));

        string[] Layer(string at) => Pairs(
            $"{at}.attention.self.query", $"{at}.attention.self.key", $"{at}.attention.self.value", $"{at}.attention.output.dense",
            $"{at}.attention.output.LayerNorm", $"{at}.intermediate.dense", $"{at}.output.dense", $"{at}.output.LayerNorm");
        Assert.Equal(
            [
                "bert.embeddings.word_embeddings.weight", "bert.embeddings.position_embeddings.weight", "bert.embeddings.token_type_embeddings.weight",
                .. Pairs("bert.embeddings.LayerNorm"), .. Layer("bert.encoder.layer.0"), .. Layer("bert.encoder.layer.1"), .. Pairs("bert.pooler.dense", "classifier"),
            ],
            StateDict.Read(bert).Keys);
        Assert.Equal(["stem", "bert.encoder.layer.0", "bert.encoder.layer.1", "head"], bert.Units.Select(u => u.Name));
        bert.UnitGranularity = UnitGranularity.Layers;
        Assert.Equal(["bert.embeddings.token_type_embeddings", "bert.embeddings.LayerNorm"], bert.Units[2].Prefixes);

        static string[] Pairs(params string[] names) => [.. names.SelectMany(n => new[] { $"{n}.weight", $"{n}.bias" })];
    }

    [Fact]
    public void Tables_begin_as_in_bert_and_padding_learns_nothing()
    {
        using var test = new TestEngine();
        using var bert = Build(test.Engine, "bert_base", SmallBert);
        var words = bert.Parameters().First();
        Assert.All(words.Value.ToArray()[..6], v => Assert.Equal(0f, v));
        Assert.All(words.Value.ToArray()[6..], v => Assert.InRange(v, -0.12f, 0.12f));

        Backward(bert, Batch([3, 0, 5, 0], [0, 0, 1, 1], [1, 1, 1, 0]));
        float[] gradient = Gradient(words);
        Assert.All(Enumerable.Range(0, 13), row => Assert.Equal(row is 3 or 5, gradient.AsSpan(row * 6, 6).ContainsAnyExcept(0f)));
    }

    [Fact]
    public void What_the_mask_rules_out_changes_nothing()
    {
        using var test = new TestEngine();
        using var bert = Build(test.Engine, "bert_base", SmallBert);
        float[] Logits(params TensorBatch[] batches) => [.. batches.SelectMany(b => Inference.Logits(bert, b).ToFloats())];

        float[] plain = Logits(Batch([3, 4, 5], [0, 0, 1], [1, 1, 1]));
        Assert.Equal(plain, Logits(new TensorBatch([.. Batch([3, 4, 5], [0, 0, 1], [0, 0, 0]).Inputs.Take(2)])));
        float[] padded = Logits(Batch([3, 4, 5, 0, 0], [0, 0, 1, 0, 0], [1, 1, 1, 0, 0]));
        Assert.All(plain.Zip(padded), p => Assert.Equal(p.First, p.Second, 1e-6f));
        // A hole in the middle too: the word there does not matter.
        Assert.Equal(Logits(Batch([3, 4, 5], [0, 0, 1], [1, 0, 1])), Logits(Batch([3, 9, 5], [0, 0, 1], [1, 0, 1])));
        Assert.NotEqual(plain, Logits(Batch([3, 9, 5], [0, 0, 1], [1, 1, 1])));
    }

    [Fact]
    public void Attention_is_the_same_with_and_without_its_scores_as_a_whole()
    {
        // A dropout that drops nothing still wants the weights one by one.
        var batch = Batch([3, 4, 5, 7, 9, 0], [0, 0, 1, 1, 1, 0], [1, 0, 1, 1, 0, 0]);
        var (whole, fused) = (Training(SmallBert.Replace("\"dropout\":0", "\"dropout\":1e-30", StringComparison.Ordinal)), Training(SmallBert));
        Assert.Contains("softmax", whole.Kernels);
        Assert.DoesNotContain("attention", whole.Kernels);
        Assert.Contains("attention", fused.Kernels);
        Assert.DoesNotContain("softmax", fused.Kernels);
        Assert.All(whole.Gradients.Zip(fused.Gradients), g => Assert.All(g.First.Zip(g.Second), v => Assert.Equal(v.First, v.Second, 1e-5f)));

        (List<float[]> Gradients, List<string> Kernels) Training(string options)
        {
            using var test = new TestEngine();
            using var bert = Build(test.Engine, "bert_base", options);
            Backward(bert, batch);
            return ([.. bert.Parameters().Select(Gradient)], [.. test.Engine.Context.Launches.Entries.Select(e => e.Kernel)]);
        }
    }

    [Fact]
    public void Dropout_acts_in_training_where_nothing_is_frozen()
    {
        using var test = new TestEngine();
        using var bert = Build(test.Engine, "bert_base", SmallBert.Replace("\"dropout\":0", "\"dropout\":0.5", StringComparison.Ordinal));
        float[] Output(long step)
        {
            test.Engine.StepNumber = step;
            using (test.Engine.BeginStep())
            {
                return bert.Call(test.Engine.FromHost<int>([1, 2, 3], new Shape(1, 3))).ToArray();
            }
        }

        bert.SetTraining(true);
        Assert.Equal(Output(0), Output(0));
        Assert.NotEqual(Output(0), Output(1));
        FreezeState.Empty.Change([.. bert.Units.SelectMany(u => u.Prefixes)], []).WriteTo(bert);
        Assert.Equal(Output(0), Output(1));
        float[] frozen = Output(0);
        bert.SetTraining(false);
        Assert.Equal(frozen, Output(2));
    }

    [Fact]
    public void What_does_not_fit_is_refused()
    {
        using var device = new DryDevice();
        using var engine = new Engine(device);
        string Wrong(string name, string options) => Assert.Throws<OptionException>(() => Build(engine, name, options)).Message;
        Assert.Equal("option 'model.dim' is 7, expected a multiple of 'model.heads', which is 2", Wrong("deit_tiny", """{"dim":7,"heads":2}"""));
        Assert.Equal("option 'model.img_size' is 30, expected a multiple of 'model.patch_size', which is 16", Wrong("deit_tiny", """{"img_size":30}"""));
        Assert.Equal("option 'model.heads' is 0, expected at least 1", Wrong("bert_base", """{"heads":0}"""));
        Assert.Equal("option 'model.dropout' is 1, expected a number from 0 to below 1", Wrong("bert_base", """{"dropout":1}"""));

        using var bert = Build(engine, "bert_base", SmallBert);
        using var deit = Build(engine, "deit_tiny", SmallDeit);
        Assert.Equal("batch: 'input_ids' of example 0 holds 13, bert_base takes 0 to 12", Assert.Throws<DataFormatException>(() => Batch([1, 13], [0, 0], [1, 1]).Check(bert)).Message);
        Assert.Equal("batch: 'token_type_ids' of example 0 holds 2, bert_base takes 0 to 1", Assert.Throws<DataFormatException>(() => Batch([1, 12], [0, 2], [1, 1]).Check(bert)).Message);
        var ten = new int[10];
        Assert.Equal("batch: 'input_ids' has 10 tokens, bert_base takes 9 at most (option model.max_position)", Assert.Throws<ShapeException>(() => Batch(ten, ten, ten).Check(bert)).Message);
        Assert.Equal("batch has 'input_ids', 'token_type_ids', 'attention_mask', deit_tiny expects 'input'", Assert.Throws<ShapeException>(() => Batch([1], [0], [1]).Check(deit)).Message);
        var image = new TensorBatch(new Shape(1, 3, 4, 4), new float[48]);
        Assert.Equal("batch: 'input' of an example is (3,4,4), deit_tiny expects (3,8,8) (option model.img_size)", Assert.Throws<ShapeException>(() => image.Check(deit)).Message);
        Assert.Equal("batch has 'input', bert_base expects 'input_ids'", Assert.Throws<ShapeException>(() => image.Check(bert)).Message);
    }

    [Theory]
    [InlineData("deit_tiny", """{"num_classes":2,"img_size":4,"patch_size":2,"dim":4,"depth":1,"heads":2,"in_channels":1}""")]
    [InlineData("bert_base", """{"vocab_size":7,"max_position":4,"hidden":4,"layers":1,"heads":2,"intermediate":3,"dropout":0.25}""")]
    public void Gradients_on_cuda_are_those_of_the_cpu(string name, string options)
    {
        using var cpu = new CpuDevice(2);
        using var cuda = CudaDevice.OpenEmulated();
        var expected = Gradients(cpu, name, options);
        var actual = Gradients(cuda, name, options);

        Assert.Equal(expected.Keys, actual.Keys);
        foreach (var (key, values) in expected)
        {
            float scale = values.Max(Math.Abs);
            Assert.All(values.Zip(actual[key]), p => Assert.True(Math.Abs(p.First - p.Second) <= (1e-4f * scale) + 1e-7f, $"{key}: {p.Second:R}, expected {p.First:R}"));
        }
    }

    private static Dictionary<string, float[]> Gradients(Device device, string name, string options)
    {
        using var engine = new Engine(device);
        using var network = Build(engine, name, options);
        network.SetTraining(true);
        bool text = network.Inputs[0].Name == InputSpec.Tokens;
        Backward(network, text
            ? Batch([1, 4, 2, 0], [0, 0, 1, 0], [1, 1, 1, 0])
            : new TensorBatch(new Shape(1, 1, 4, 4), TestEngine.Uniform(16, 3), [1]));
        return network.Parameters().ToDictionary(p => p.Name, Gradient);
    }

    private static void Backward(Network network, TensorBatch batch)
    {
        var engine = network.Engine;
        var (owner, inputs) = batch.ToDevice(network);
        using (owner)
        using (engine.BeginStep())
        {
            engine.Backward(network.Call(inputs).CrossEntropy(engine.FromHost<int>([1], new Shape(1))));
        }
    }

    private static float[] Gradient(Parameter parameter)
    {
        var values = new float[parameter.Shape.Count];
        parameter.Variable.Engine.Context.Download<float>(parameter.Variable.Gradient, values);
        return values;
    }

    private static TensorBatch Batch(int[] tokens, int[] types, int[] mask)
    {
        var shape = new Shape(1, tokens.Length);
        return new TensorBatch([new HostInput("input_ids", shape, tokens), new HostInput("token_type_ids", shape, types), new HostInput("attention_mask", shape, mask)]);
    }

    private static Network Build(Engine engine, string name, string options) =>
        ModelZoo.Build(ModuleScope.Root(engine, 1), name, (JsonObject)JsonNode.Parse(options)!);
}
