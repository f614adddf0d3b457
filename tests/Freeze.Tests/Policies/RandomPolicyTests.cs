using SmartFrz.Kernels;
using SmartFrz.Kernels.Cpu;
using SmartFrz.Nn.Options;

namespace SmartFrz.Freeze.Tests;

public sealed class RandomPolicyTests
{
    [Theory]
    [InlineData(FreezeMode.Prefix, 0.15, 0)]
    [InlineData(FreezeMode.Prefix, 0.4, 1)]
    [InlineData(FreezeMode.Prefix, 0.05, 2)]
    [InlineData(FreezeMode.Free, 0.15, 0)]
    [InlineData(FreezeMode.Free, 0.3, 1)]
    [InlineData(FreezeMode.Free, 0.45, 2)]
    public void A_run_saves_the_share_of_FLOPs_that_was_asked_for(FreezeMode mode, double share, ulong drawSeed)
    {
        var (saved, events) = Train(mode, share, drawSeed);
        Assert.InRange(saved, share * 0.98, share * 1.02);
        Assert.NotEmpty(events);
    }

    [Theory]
    [InlineData(FreezeMode.Prefix)]
    [InlineData(FreezeMode.Free)]
    public void The_draw_depends_on_its_seed_alone(FreezeMode mode)
    {
        Assert.Equal(Train(mode, 0.2, 7).Events, Train(mode, 0.2, 7, seed: 5).Events);
        Assert.NotEqual(Train(mode, 0.2, 7).Events, Train(mode, 0.2, 8).Events);
    }

    [Fact]
    public void A_share_that_no_freezing_can_save_is_refused()
    {
        var e = Assert.Throws<OptionException>(() => Train(FreezeMode.Prefix, 0.8, 0));
        Assert.Contains("'freeze.saved_share' is 0.8: this run saves at most 0.", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(-0.1)]
    [InlineData(1)]
    [InlineData(double.NaN)]
    public void A_share_outside_its_range_is_refused(double share) =>
        Assert.Throws<OptionException>(() => new RandomPolicy(new RandomPolicyOptions { SavedShare = share }));

    private static (double Saved, string[] Events) Train(FreezeMode mode, double share, ulong drawSeed, ulong seed = 3)
    {
        using var device = new CpuDevice(threads: 1);
        var policy = new RandomPolicy(new RandomPolicyOptions { SavedShare = share, DrawSeed = drawSeed });
        using var run = new FrozenRun(device, policy, mode, stepsPerEpoch: 50, epochs: 4, seed: seed, options: FrozenRun.Tiny(width: 4), poison: false);
        var result = run.Trainer.Run();
        long spent = new[] { Phase.Forward, Phase.BackwardInput, Phase.BackwardWeight, Phase.Update, Phase.Freeze }.Sum(p => result.Costs[p].Flops);
        double saved = 1 - ((double)spent / (run.Freezing.Costs!.StepFlops * result.Steps));
        return (saved, [.. run.Freezing.Events.Select(e => $"{e.Unit}@{e.Step}")]);
    }
}
