using SmartFrz.Kernels;
using SmartFrz.Tensors;

namespace SmartFrz.Nn.Tests;

/// <summary>What freezing saves and what it leaves alone, counted on a small residual network.</summary>
public sealed class FreezingTests
{
    private static readonly string[] Prefix = ["conv1", "bn1", "layer1.0"];

    [Fact]
    public void A_frozen_prefix_launches_nothing_backward_and_saves_nothing()
    {
        using var test = new TestEngine();
        using var network = ModelTests.Build(test, "resnet8", ModelTests.Small);
        var context = test.Engine.Context;
        context.PoisonReleasedMemory = true;
        FreezeState.Empty.Change(Prefix, []).WriteTo(network);
        var frozen = network.Modules().Where(m => Prefix.Any(p => DottedName.IsWithin(m.Path, p))).ToList();
        Assert.Equal(7, frozen.Count);
        using (test.Engine.BeginStep())
        {
            var loss = ModelTests.Loss(network, 4);

            Assert.All(frozen, m => Assert.Equal(0, context.Memory.LiveOf(BufferKind.SavedActivation, m.Layer)));
            Assert.True(context.Memory.LiveOf(BufferKind.SavedActivation) > 0);
            test.Engine.Backward(loss);
        }

        Assert.All(frozen, m => Assert.Equal(0, Backward(context, m.Path)));
        Assert.All(frozen, m => Assert.Equal(0, context.Memory.LiveOf(BufferKind.Gradient, m.Layer)));
        Assert.True(Backward(context, "layer2.0") > 0);
        var reasons = test.Engine.LastPlan!.Skips.Where(s => frozen.Any(m => m.Layer == s.Layer)).Select(s => s.Reason).ToHashSet();
        Assert.Superset(new HashSet<SkipReason> { SkipReason.InputIsData, SkipReason.FrozenParameter, SkipReason.NothingTrainableBelow }, reasons);
        Assert.Equal(context.Dispatched, context.Launches.Total.Launches);
    }

    [Fact]
    public void A_frozen_middle_launches_input_gradients_alone_and_saves_less()
    {
        using var test = new TestEngine();
        using var network = ModelTests.Build(test, "resnet8", ModelTests.Small);
        var context = test.Engine.Context;
        context.PoisonReleasedMemory = true;

        // What operations keep for their own gradients; what is computed again would be left out of one side.
        test.Engine.RebuildsActivations = false;
        var middle = network.Modules().Where(m => DottedName.IsWithin(m.Path, "layer2.0")).ToList();
        long Saved() => middle.Sum(m => context.Memory.LiveOf(BufferKind.SavedActivation, m.Layer));
        long whole, part;
        using (test.Engine.BeginStep())
        {
            ModelTests.Loss(network, 4);
            whole = Saved();
        }

        FreezeState.Empty.Change(["layer2.0"], []).WriteTo(network);
        using (test.Engine.BeginStep())
        {
            var loss = ModelTests.Loss(network, 4);
            part = Saved();
            test.Engine.Backward(loss);
        }

        Assert.True(part < whole / 2, $"{part} bytes are saved frozen, {whole} trainable");
        Assert.Equal(0, Launches(context, "layer2.0", Phase.BackwardWeight));
        Assert.All(["conv1", "bn1", "conv2", "bn2"], n => Assert.True(Launches(context, $"layer2.0.{n}", Phase.BackwardInput) > 0));
        Assert.All(middle, m => Assert.Equal(0, context.Memory.LiveOf(BufferKind.Gradient, m.Layer)));
        Assert.True(Launches(context, "layer1.0", Phase.BackwardWeight) > 0);
    }

    [Fact]
    public void Frozen_parameters_statistics_and_counters_stand_still_and_go_on_after_a_thaw()
    {
        using var test = new TestEngine();
        using var network = ModelTests.Build(test, "resnet8", ModelTests.Small);
        using var sgd = new Sgd(network, 0.9f, nesterov: true, weightDecay: 0.1f);
        void Train(int steps)
        {
            for (int i = 0; i < steps; i++)
            {
                using (test.Engine.BeginStep())
                {
                    test.Engine.Backward(ModelTests.Loss(network, 4));
                }

                sgd.Step(0.05f);
                sgd.ClearGradients();
            }
        }

        Train(2);
        var frozen = FreezeState.Empty.Change(["layer2.0"], []);
        frozen.WriteTo(network);
        var before = State(network);
        Train(3);
        var after = State(network);
        foreach (var (name, values) in before)
        {
            Assert.Equal(DottedName.IsWithin(name, "layer2.0"), values.AsSpan().SequenceEqual(after[name]));
        }

        Assert.Equal([5f], after["layer1.0.bn1.num_batches_tracked"]);
        Assert.Equal([2f], after["layer2.0.bn1.num_batches_tracked"]);

        frozen.Change([], ["layer2.0"]).WriteTo(network);
        Train(1);
        Assert.All(State(network), s => Assert.False(s.Value.AsSpan().SequenceEqual(after[s.Key]), s.Key));
        Assert.Equal(3, sgd.StateOf(network.Parameters().Single(p => p.Name == "layer2.0.conv1.weight"))!.Steps);
    }

    // The same module modes on both sides: frozen normalisation computes otherwise, and that is no matter of gradients.
    [Theory]
    [InlineData("resnet8", ModelTests.Small)]
    [InlineData("resnet8", """{"width":4,"in_channels":2,"num_classes":3,"image_size":8,"shortcut":"b"}""")]
    [InlineData("cnn", """{"image_size":8,"width":3,"hidden":6}""")]
    public void Gradients_of_the_others_keep_their_bits(string name, string options)
    {
        using var test = new TestEngine();
        using var network = ModelTests.Build(test, name, options);
        test.Engine.Context.PoisonReleasedMemory = true;
        for (int subset = 1; subset < (1 << network.Units.Count) - 1; subset++)
        {
            string[] names = [.. network.Units.Where((_, u) => (subset >> u & 1) != 0).SelectMany(u => u.Prefixes)];
            var state = FreezeState.Empty.Change(names, []);
            state.WriteTo(network);
            var some = ModelTests.Gradients(network, 3);
            foreach (var parameter in network.Parameters())
            {
                parameter.IsFrozen = false;
            }

            var all = ModelTests.Gradients(network, 3);
            Assert.Equal(network.Parameters().Where(p => !state.IsFrozen(p.Name)).Select(p => p.Name), some.Keys);
            Assert.All(some, g => Assert.True(g.Value.AsSpan().SequenceEqual(all[g.Key]), $"{g.Key} with {string.Join(", ", names)} frozen"));
        }
    }

    [Fact]
    public void Ten_frozen_blocks_take_the_memory_of_two()
    {
        long two = PeakOf(2, freeze: true), ten = PeakOf(10, freeze: true);

        Assert.InRange(ten, 0.95 * two, 1.05 * two);
        Assert.True(PeakOf(10, freeze: false) > 3 * ten);
    }

    [Fact]
    public void Names_match_whole_segments_and_must_exist()
    {
        using var test = new TestEngine();
        using var network = ModelTests.Build(test, "resnet8", ModelTests.Small);
        var state = FreezeState.Empty.Change(["layer1.0.bn1", "linear.bias"], []);
        state.WriteTo(network);

        Assert.Equal(["layer1.0.bn1.weight", "layer1.0.bn1.bias", "linear.bias"], network.Parameters().Where(p => p.IsFrozen).Select(p => p.Name));
        Assert.Equal(["layer1.0.bn1"], network.Modules().Where(m => m.IsFrozen).Select(m => m.Path));
        Assert.False(state.IsFrozen("layer1.0.bn10"));
        Assert.Equal(1, state.Version);
        Assert.Same(state, state.Change(["linear.bias"], ["layer3.0"]));
        Assert.Contains("'layer1.00'", Assert.Throws<ArgumentException>(() => FreezeState.Empty.Change(["layer1.00"], []).WriteTo(network)).Message, StringComparison.Ordinal);

        // A module is frozen too when all that it consists of is, one by one.
        FreezeState.Empty.Change([.. network.Parameters().Where(p => p.Name.StartsWith("layer3.0.", StringComparison.Ordinal)).Select(p => p.Name)], []).WriteTo(network);
        Assert.Contains("layer3.0", network.Modules().Where(m => m.IsFrozen).Select(m => m.Path));
    }

    private static long PeakOf(int blocks, bool freeze)
    {
        using var test = new TestEngine();
        var engine = test.Engine;
        var scope = ModuleScope.Root(engine, 1);
        using var body = new Sequential(scope.Child("body"), [.. Enumerable.Repeat<Func<ModuleScope, Module>>(s => new BasicBlock(s, 8, 8, 1, Shortcut.A), blocks)]);
        using var top = new BasicBlock(scope.Child("top"), 8, 8, 1, Shortcut.A);
        if (freeze)
        {
            FreezeState.Empty.Change(["body"], []).WriteTo(body);
        }

        var memory = engine.Context.Memory;
        for (int step = 0; step < 2; step++)
        {
            memory.ResetPeak();
            using (engine.BeginStep())
            {
                var x = engine.FromHost<float>(TestEngine.Uniform(4 * 8 * 256, 1), new Shape(4, 8, 16, 16));
                engine.Backward(top.Call(body.Call(x)).Sum());
            }
        }

        // Parameters are there all the time; the gradients of those in the body are not when it is frozen.
        return memory.Peak - memory.LiveOf(BufferKind.Parameter) - memory.LiveOf(BufferKind.Gradient);
    }

    private static long Backward(DeviceContext context, string path) =>
        Launches(context, path, Phase.BackwardInput) + Launches(context, path, Phase.BackwardWeight);

    private static long Launches(DeviceContext context, string path, Phase phase) => context.Launches.Entries
        .Where(e => e.Phase == phase && context.Launches.NameOf(e.Layer) is { Length: > 0 } name && DottedName.IsWithin(name, path))
        .Sum(e => e.Totals.Launches);

    private static Dictionary<string, float[]> State(Network network) =>
        Weights.StateDict.Read(network).ToDictionary(t => t.Key, t => t.Value.ToFloats());
}
