using SmartFrz.Kernels;
using SmartFrz.Kernels.Cpu;
using SmartFrz.Nn;
using SmartFrz.Nn.Data;
using SmartFrz.Tensors;

namespace SmartFrz.Freeze.Tests;

public sealed class LayerProbeTests : IDisposable
{
    private readonly CpuDevice _device = new(threads: 2);
    private readonly Engine _engine;

    public LayerProbeTests() => _engine = new Engine(_device);

    [Fact]
    public void A_network_resembles_itself_wholly_and_one_of_another_seed_less()
    {
        using var network = Build(_engine, 1);
        using var other = Build(_engine, 2);
        var probe = Probe();
        probe.SetReference(network);
        var self = probe.Measure(network);
        string[] layers = ["conv1", "layer1.0.conv1", "layer1.0.conv2", "layer2.0.conv1", "layer2.0.conv2", "layer3.0.conv1", "layer3.0.conv2", "linear"];
        Assert.Equal(layers, self.Keys.Order(StringComparer.Ordinal));
        Assert.All(self, s => Assert.Equal(1, s.Value, 1e-5));
        var apart = probe.Measure(other);
        Assert.Equal(self.Keys.Order(StringComparer.Ordinal), apart.Keys.Order(StringComparer.Ordinal));
        Assert.All(apart, s => Assert.InRange(s.Value, -1, 0.999));
        Assert.True(apart["linear"] < apart["conv1"], $"{apart["linear"]} at the head, {apart["conv1"]} at the stem");
    }

    [Fact]
    public void Probing_does_not_change_the_training_by_a_bit()
    {
        using var reference = Build(_engine, 2);
        var probe = Probe();
        probe.SetReference(reference);
        int probed = 0;
        var watch = new Watch
        {
            OnStepEnded = c =>
            {
                if (c.Step % 2 == 0)
                {
                    probe.Measure(c.Model);
                    probed++;
                }
            },
        };
        using var with = Run(watch);
        using var without = Run();
        var costs = with.Trainer.Run().Costs;
        var plain = without.Trainer.Run().Costs;
        Assert.Equal(4, probed);
        FrozenRun.AssertSame(without.Bytes(), with.Bytes());
        FrozenRun.AssertSame(without.MomentumBytes(), with.MomentumBytes());
        foreach (var phase in new[] { Phase.Forward, Phase.BackwardInput, Phase.BackwardWeight, Phase.Update, Phase.Data })
        {
            Assert.Equal(plain[phase] with { Seconds = 0 }, costs[phase] with { Seconds = 0 });
        }

        Assert.True(costs[Phase.Freeze].Launches > 0);
        Assert.Equal(0, plain[Phase.Freeze].Launches);
    }

    [Fact]
    public void Without_a_reference_there_is_nothing_to_compare_with_and_modes_are_restored_even_after_an_error()
    {
        using var network = Build(_engine, 1);
        Assert.Throws<InvalidOperationException>(() => Probe().Measure(network));
        // Unbiased estimates take four images.
        var small = new LayerProbe(Loader(batch: 3), 1);
        small.SetReference(network);
        Assert.Throws<ShapeException>(() => small.Measure(network));
        Assert.True(network.IsTreeTraining);
        Assert.NotEqual(Phase.Freeze, _engine.Context.Phase);
        Assert.Equal(0, _engine.Context.Memory.LiveOf(BufferKind.Workspace));
        Assert.Equal(0, _engine.Context.Memory.LiveOf(BufferKind.Cache));
    }

    public void Dispose()
    {
        _engine.Dispose();
        _device.Dispose();
    }

    private static Network Build(Engine engine, ulong seed) => ModelZoo.Build(ModuleScope.Root(engine, seed), "resnet8", FrozenRun.Tiny(width: 4));

    private static LayerProbe Probe() => new(Loader(batch: 8), 3);

    private static BatchLoader Loader(int batch) => new(
        new SyntheticDataset(24, 3, 1, 8, 8, 0.5, 1), new BatchLoaderOptions { BatchSize = batch, Shuffle = false, Mean = [0.5f], Deviation = [0.25f] });

    private FrozenRun Run(params IEnumerable<ITrainingCallback> before) =>
        new(_device, new SchedulePolicy(new SchedulePolicyOptions { Schedule = ["stem@3"] }), stepsPerEpoch: 4, epochs: 2, options: FrozenRun.Tiny(width: 4), before: before);
}
