using SmartFrz.Nn.Weights;
using SmartFrz.Tensors;

namespace SmartFrz.Nn.Tests;

public sealed class StateDictTests
{
    [Fact]
    public void A_file_holds_the_whole_state()
    {
        using var test = new TestEngine();
        using var folder = new TemporaryFolder();
        using var from = ModelTests.Build(test, "resnet8", ModelTests.Small, seed: 1);
        using var to = ModelTests.Build(test, "resnet8", ModelTests.Small, seed: 2);
        ModelTests.Gradients(from, 4);
        WeightsFile.Save(from, folder["w.safetensors"], [new("epoch", "3")]);
        WeightsFile.Load(to, folder["w.safetensors"]);
        var file = SafeTensors.Read(folder["w.safetensors"]);

        Assert.Equal(StateOf(from), StateOf(to));
        Assert.Equal(1, to.Counters().First().Value);
        Assert.Equal([new("format", "pt"), new("epoch", "3")], file.Metadata);
        Assert.Equal(StateDict.Read(from).Keys.Order(StringComparer.Ordinal), file.Tensors.Keys.Order(StringComparer.Ordinal));
        // Eight-byte elements come first, so that they lie at multiples of eight bytes.
        Assert.Equal(from.Counters().Count(), file.Tensors.TakeWhile(t => t.Value.DType == "I64").Count());
    }

    [Fact]
    public void Wrapped_names_other_heads_and_absent_counters_are_understood()
    {
        using var test = new TestEngine();
        using var from = ModelTests.Build(test, "resnet8", ModelTests.Small, seed: 1);
        using var to = ModelTests.Build(test, "resnet8", ModelTests.Small, seed: 2);
        ModelTests.Gradients(to, 4);
        var stored = StateDict.Read(from)
            .Where(t => t.Value.DType != "I64")
            .ToDictionary(t => "module." + t.Key.Replace("linear.", "fc.", StringComparison.Ordinal), t => t.Value);
        Assert.Contains("module.fc.bias", stored.Keys);
        StateDict.Load(to, stored, "old.safetensors");

        Assert.Equal(StateOf(from), StateOf(to));
        Assert.All(to.Counters(), c => Assert.Equal(0, c.Value));
    }

    [Fact]
    public void A_head_named_linear_fits_one_named_fc()
    {
        using var test = new TestEngine();
        using var network = new Headed(ModuleScope.Root(test.Engine, 1));
        StateDict.Load(network, new Dictionary<string, StoredTensor> { ["linear.weight"] = StoredTensor.Of([1f, 2f], 1, 2), ["linear.bias"] = StoredTensor.Of([3f], 1) }, "x");

        Assert.Equal([1f, 2f, 3f], network.Parameters().SelectMany(p => p.Value.ToArray()));
    }

    [Fact]
    public void Names_and_extras_of_older_files_are_understood()
    {
        using var test = new TestEngine();
        using var network = new Headed(ModuleScope.Root(test.Engine, 1));
        var stored = new Dictionary<string, StoredTensor>
        {
            ["model._orig_mod.fc.gamma"] = StoredTensor.Of([1f, 2f], 1, 2),
            ["model.fc.beta"] = StoredTensor.Of([3f], 1),
            ["bert.embeddings.position_ids"] = StoredTensor.Of([0L, 1L, 2L], 1, 3),
        };
        StateDict.Load(network, stored, "x");

        Assert.Equal([1f, 2f, 3f], network.Parameters().SelectMany(p => p.Value.ToArray()));
        stored["bert.embeddings.position_ids"] = StoredTensor.Of([0L, 5L, 2L], 1, 3);
        Assert.Equal(
            "x: 1 tensor does not fit Headed: unexpected bert.embeddings.position_ids (1,3)",
            Assert.Throws<WeightsFormatException>(() => StateDict.Load(network, stored, "x")).Message);
    }

    [Fact]
    public void What_does_not_fit_is_listed_and_changes_nothing()
    {
        using var test = new TestEngine();
        using var network = ModelTests.Build(test, "resnet8", ModelTests.Small);
        var before = StateOf(network);
        var stored = StateDict.Read(network);
        foreach (string name in stored.Keys.ToList())
        {
            stored[name] = StoredTensor.Of(new float[stored[name].Count], stored[name].Shape);
        }

        stored.Remove("bn1.bias");
        stored["linear.weight"] = StoredTensor.Of(new float[7 * 16], 7, 16);
        stored["extra.weight"] = StoredTensor.Of(new float[6], 2, 3);
        stored["module.conv1.weight"] = stored["conv1.weight"];
        var e = Assert.Throws<WeightsFormatException>(() => StateDict.Load(network, stored, "w.safetensors"));

        Assert.Equal(
            "w.safetensors: 4 tensors do not fit resnet8: linear.weight is (7,16), the network has (3,16); missing bn1.bias (4); unexpected extra.weight (2,3); unexpected module.conv1.weight (4,2,3,3)",
            e.Message);
        Assert.Equal(before, StateOf(network));
    }

    [Fact]
    public void Twenty_are_listed()
    {
        using var test = new TestEngine();
        using var network = ModelTests.Build(test, "resnet8", ModelTests.Small);
        var e = Assert.Throws<WeightsFormatException>(() => StateDict.Load(network, new Dictionary<string, StoredTensor>(), "empty"));

        Assert.StartsWith("empty: 37 tensors do not fit resnet8: missing conv1.weight (4,2,3,3); ", e.Message, StringComparison.Ordinal);
        Assert.EndsWith("; and 17 more", e.Message, StringComparison.Ordinal);
        Assert.Equal(20, e.Message.Split("missing ").Length - 1);
    }

    [Fact]
    public void Partial_loading_takes_what_fits()
    {
        using var test = new TestEngine();
        using var from = ModelTests.Build(test, "resnet8", ModelTests.Small, seed: 1);
        using var to = ModelTests.Build(test, "resnet8", """{"width":4,"in_channels":2,"num_classes":5,"image_size":8}""", seed: 2);
        var before = StateOf(to);
        var report = StateDict.LoadPartial(to, StateDict.Read(from), "w");

        Assert.Equal(["linear.weight is (3,16), the network has (5,16)", "linear.bias is (3), the network has (5)"], report.Misshapen);
        Assert.Empty(report.Missing);
        Assert.Empty(report.Unexpected);
        Assert.False(report.Fits);
        Assert.Equal(StateDict.Read(from).Count - 2, report.Fitting);
        foreach (var (name, values) in StateOf(to))
        {
            Assert.Equal(name.StartsWith("linear", StringComparison.Ordinal) ? before[name] : StateOf(from)[name], values);
        }
    }

    [Fact]
    public void Other_precisions_are_converted()
    {
        using var test = new TestEngine();
        using var network = new Headed(ModuleScope.Root(test.Engine, 1));
        var stored = new Dictionary<string, StoredTensor>
        {
            ["fc.weight"] = StoredTensor.Of([(Half)1.5, (Half)(-2)], 1, 2),
            ["fc.bias"] = StoredTensor.Of([0.25], 1),
        };
        StateDict.Load(network, stored, "x");

        Assert.Equal([1.5f, -2f, 0.25f], network.Parameters().SelectMany(p => p.Value.ToArray()));
    }

    private static Dictionary<string, float[]> StateOf(Module module) => StateDict.Read(module).ToDictionary(t => t.Key, t => t.Value.ToFloats());

    private sealed class Headed : Module
    {
        private readonly Linear _fc;

        public Headed(ModuleScope scope)
            : base(scope) => _fc = Add(new Linear(scope.Child("fc"), 2, 1));

        protected override Tensor Forward(Tensor input) => _fc.Call(input);
    }
}
