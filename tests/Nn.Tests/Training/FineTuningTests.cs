using System.Text.Json.Nodes;
using SmartFrz.Nn.Data;
using SmartFrz.Nn.Options;

namespace SmartFrz.Nn.Tests.Training;

/// <summary>Gradients of several batches, groups of parameters, and an early end.</summary>
public sealed class FineTuningTests
{
    private const string Small = """{"image_size":8,"width":2,"hidden":5,"in_channels":1}""";

    [Theory]
    [InlineData(0f)]
    [InlineData(0.3f)]
    public void Two_half_batches_make_the_step_of_a_whole_one(float clipNorm)
    {
        var (whole, wholeLosses) = Train(batch: 8, new TrainerOptions { Epochs = 2, LogInterval = 1, ClipNorm = clipNorm });
        var (halves, losses) = Train(batch: 4, new TrainerOptions { Epochs = 2, LogInterval = 1, ClipNorm = clipNorm, Accumulate = 2 });

        Assert.Equal(2 * TinyRun.StepsPerEpoch, losses.Count);
        Assert.All(wholeLosses.Zip(losses), l => Assert.Equal(l.First, l.Second, 1e-5));
        Assert.All(whole.Zip(halves), w => Assert.Equal(w.First, w.Second, 1e-5f));
    }

    [Fact]
    public void What_makes_no_whole_step_is_left_out()
    {
        // 40 images: 10 batches of 4, 3 steps of 3 of them.
        Assert.Equal(3, Train(batch: 4, new TrainerOptions { Accumulate = 3, LogInterval = 1 }).Losses.Count);
        var e = Assert.Throws<OptionException>(() => Train(batch: 8, new TrainerOptions { Accumulate = 6 }));
        Assert.Equal("the training data has 40 examples, which make 5 batches of 8, and a step takes 6 of them (option train.accumulate)", e.Message);
        Assert.Equal("option 'train.accumulate' is 0, expected at least 1", Assert.Throws<OptionException>(() => Train(batch: 8, new TrainerOptions { Accumulate = 0 })).Message);
    }

    [Fact]
    public void A_run_ends_when_its_accuracy_has_not_grown_for_a_while()
    {
        // Without a learning rate nothing but the running statistics moves: the first evaluation is about as good as all.
        using var run = new TinyRun(new TrainerOptions { Epochs = 9, Patience = 2 }, learningRate: 0f);
        var result = run.Trainer.Run();

        int best = result.History.ToList().FindIndex(e => e.Test!.Accuracy == result.Best!.Accuracy);
        Assert.False(result.Interrupted);
        Assert.Equal(best + 1 + 2, result.Epochs);
        Assert.True(result.Epochs < 9);
        using var whole = new TinyRun(new TrainerOptions { Epochs = 9 }, learningRate: 0f);
        Assert.Equal(9, whole.Trainer.Run().Epochs);
    }

    [Fact]
    public void Groups_have_a_learning_rate_and_a_weight_decay_of_their_own()
    {
        using var test = new TestEngine();
        using var network = ModelTests.Build(test, "cnn", Small);
        var options = (JsonObject)JsonNode.Parse(
            """{"weight_decay":0.25,"groups":[{"match":["conv1"],"lr_factor":0},{"match":["*.bias"],"weight_decay":0},{"match":["conv2"],"lr_factor":0.5}]}""")!;
        using var optimizer = Optimizers.Read(options).Create(network);

        string[] all = [.. network.Parameters().Select(p => p.Name)];
        Assert.Equal(
            [
                ("conv1.weight,conv1.bias", 0f, 0.25f), (string.Join(',', all.Where(n => n.EndsWith("bias", StringComparison.Ordinal) && n != "conv1.bias")), 1f, 0f),
                ("conv2.weight", 0.5f, 0.25f), (string.Join(',', all.Where(n => n.EndsWith("weight", StringComparison.Ordinal) && !n.StartsWith("conv", StringComparison.Ordinal))), 1f, 0.25f),
            ],
            optimizer.Groups.Select(g => (string.Join(',', g.Parameters.Select(p => p.Name)), g.LearningRateFactor, g.WeightDecay)));

        string Wrong(string groups) => Assert.Throws<OptionException>(() => Optimizers.Read((JsonObject)JsonNode.Parse($$"""{"groups":[{{groups}}]}""")!).Create(network)).Message;
        Assert.Equal("option 'optimizer.groups[0].match': no parameter is within or like 'conv3'", Wrong("""{"match":["conv3"]}"""));
        Assert.Equal("option 'optimizer.groups[0].lr_factor' is -1, expected a number of at least 0", Wrong("""{"match":["conv1"],"lr_factor":-1}"""));
        Assert.Equal("option 'optimizer.groups[1].match' leaves no parameter that is not in a group before it", Wrong("""{"match":["*"]},{"match":["conv1"]}"""));
    }

    [Fact]
    public void A_group_without_a_learning_rate_stays_as_it_is()
    {
        using var test = new TestEngine();
        using var network = ModelTests.Build(test, "cnn", Small);
        using var optimizer = Optimizers.Read((JsonObject)JsonNode.Parse("""{"name":"adamw","groups":[{"match":["conv1"],"lr_factor":0}]}""")!).Create(network);
        var before = network.Parameters().ToDictionary(p => p.Name, p => p.Value.ToArray());
        using (test.Engine.BeginStep())
        {
            test.Engine.Backward(ModelTests.Loss(network, 3));
        }

        optimizer.Step(0.01f);
        Assert.All(network.Parameters(), p => Assert.Equal(p.Name.StartsWith("conv1", StringComparison.Ordinal), before[p.Name].AsSpan().SequenceEqual(p.Value.ToArray())));
    }

    private static (float[] Weights, List<double> Losses) Train(int batch, TrainerOptions options)
    {
        using var test = new TestEngine();
        using var network = ModelTests.Build(test, "cnn", Small);
        using var optimizer = new Sgd(network, momentum: 0.9f);
        var losses = new List<double>();
        var loader = new BatchLoader(TinyData.Make(TinyRun.Images), new BatchLoaderOptions { BatchSize = batch, Seed = 3, Flip = true, Mean = [0.3f], Deviation = [0.2f] });
        using var trainer = new Trainer(network, optimizer, new ConstantSchedule(0.05f), loader, null, options);
        trainer.Add(new Callback { OnLogged = c => losses.Add(c.LastReport!.Loss) });
        trainer.Run();
        return ([.. network.Parameters().SelectMany(p => p.Value.ToArray())], losses);
    }
}
