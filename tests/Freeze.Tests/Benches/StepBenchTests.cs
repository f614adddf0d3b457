using System.Text.Json.Nodes;
using SmartFrz.Kernels;
using SmartFrz.Nn.Options;

namespace SmartFrz.Freeze.Tests;

[Collection(nameof(TestDevices))]
public sealed class StepBenchTests(TestDevices devices)
{
    private static RunConfig Tiny => RunConfig.Read(new JsonObject
    {
        ["model"] = new JsonObject { ["name"] = "resnet8", ["width"] = 4 },
        ["train"] = new JsonObject { ["batch"] = 3 },
        ["optimizer"] = new JsonObject { ["name"] = "sgd", ["lr"] = 0.01 },
    });

    [Fact]
    public void A_row_for_each_share()
    {
        var options = new StepBenchOptions { Frozen = [75, 0, 30], Steps = 3, WarmUp = 1, KernelSteps = 2, Size = 8 };

        var result = new StepBench(Tiny, options).Run(devices["cpu"]);

        Assert.Equal([3, 3, 8, 8], result.Input);
        Assert.Equal([75, 0, 30], result.Rows.Select(r => r.Frozen));
        // Shares of five units, stem and head among them: 3.75, 0 and 1.5.
        Assert.Equal([4, 0, 2], result.Rows.Select(r => r.K));
        Assert.All(result.Rows, r =>
        {
            Assert.Equal(5, r.Units);
            Assert.InRange(r.MinMs, 1e-6, r.MedianMs);
            Assert.True(r.CpuMs >= 0 && r.KernelMs > 0 && r.PeakBytes > 0);
            Assert.Equal(r.MedianMs / result.Rows[1].MedianMs, r.Measured, 12);
            Assert.Equal(r.LedgerIdeal / r.Measured, r.Efficiency, 12);
        });
        var (most, none, some) = (result.Rows[0], result.Rows[1], result.Rows[2]);
        Assert.Equal((1.0, 1.0, 1.0), (none.FlopIdeal, none.LedgerIdeal, none.Measured));
        // The whole backward pass of what is frozen goes, two thirds of its work, and its forward pass stays.
        Assert.InRange(most.FlopIdeal, 0.3, some.FlopIdeal);
        Assert.InRange(some.FlopIdeal, most.FlopIdeal, 0.9);
        Assert.True(most.LedgerIdeal < some.LedgerIdeal && most.PeakBytes < none.PeakBytes);
    }

    [Fact]
    public void Shares_that_leave_nothing_to_train_are_refused()
    {
        string Message(StepBenchOptions options) => Assert.Throws<OptionException>(() => new StepBench(Tiny, options).Run(devices["cpu"])).Message;

        Assert.Equal("95 % of the 5 units of resnet8 frozen: 0 to 4 of them are expected", Message(new StepBenchOptions { Frozen = [0, 95], Size = 8 }));
        Assert.Equal("-20 % of the 5 units of resnet8 frozen: 0 to 4 of them are expected", Message(new StepBenchOptions { Frozen = [-20], Size = 8 }));
        Assert.Equal("option 'steps' is 0, expected at least 1", Message(new StepBenchOptions { Steps = 0 }));
        Assert.Contains("no share", Message(new StepBenchOptions { Frozen = [] }), StringComparison.Ordinal);
    }

    [Fact]
    public void The_ledger_ideal_takes_times_from_the_unfrozen_step_where_it_has_the_launch()
    {
        LaunchRecord Launch(string kernel, double seconds, int layer = 1) => new(kernel, new LayerId(layer), Phase.Forward, new KernelCost(10, 0), seconds);
        // Medians: conv 2 and 5, norm 1; frozen, conv once, another norm 0.5.
        var all = StepKernels.Of(
            [[Launch("conv", 2), Launch("conv", 5), Launch("norm", 1)], [Launch("conv", 9), Launch("conv", 5), Launch("norm", 1)], [Launch("conv", 1), Launch("conv", 5), Launch("norm", 1)]]);
        var frozen = StepKernels.Of([[Launch("conv", 70), Launch("fixed-norm", 0.5), Launch("conv", 0.25, layer: 2)]]);

        Assert.Equal(8, all.Seconds);
        Assert.Equal(8, all.SecondsBy(all));
        Assert.Equal(2 + 0.5 + 0.25, frozen.SecondsBy(all));
        Assert.Equal((30, 30), (all.Flops, frozen.Flops));
    }
}
