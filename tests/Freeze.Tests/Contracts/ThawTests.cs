using SmartFrz.Kernels;

namespace SmartFrz.Freeze.Tests;

/// <summary>A unit that thaws goes on where it was frozen.</summary>
[Collection(nameof(TestDevices))]
public sealed class ThawTests(TestDevices devices)
{
    private const string Unit = "layer1.0";

    [Theory]
    [InlineData("cpu", FreezeMode.Free)]
    [InlineData("cpu", FreezeMode.Prefix)]
    [InlineData("cuda", FreezeMode.Free)]
    public void Weights_statistics_momentum_and_step_counts_go_on_as_they_were(string device, FreezeMode mode)
    {
        SortedDictionary<string, byte[]>? frozen = null, momentum = null;
        var witness = new ContractWitness(keepsOptimizerState: true);
        using var run = new FrozenRun(devices[device], FreezeFrom2To4(mode, mayThaw: true), mode, before: witness);
        bool Own(string name) => name.StartsWith(Unit, StringComparison.Ordinal);
        run.Freezing.Changed += e =>
        {
            if (e.Unit != Unit)
            {
                return;
            }

            if (e.Frozen)
            {
                (frozen, momentum) = (run.Bytes(Own), run.MomentumBytes(Own));
            }
            else
            {
                FrozenRun.AssertSame(frozen!, run.Bytes(Own));
                FrozenRun.AssertSame(momentum!, run.MomentumBytes(Own));
            }
        };
        run.Trainer.Run();
        string[] expected = mode == FreezeMode.Free ? [Unit] : ["stem", Unit];
        Assert.Equal([[], [], expected, expected, [], []], witness.Steps);
        Assert.Equal([.. expected.Select(u => (u, true, 2L)), .. expected.Select(u => (u, false, 4L))], run.Freezing.Events.Select(e => (e.Unit, e.Frozen, e.Step)));
        var after = run.Bytes(Own);
        Assert.All(frozen!, e => Assert.False(e.Value.AsSpan().SequenceEqual(after[e.Key]), $"{e.Key} stood still after the thaw"));
        // Six steps, two of them frozen.
        Assert.All(run.Network.Parameters().Where(p => Own(p.Name)), p => Assert.Equal(4, run.Optimizer.StateOf(p)!.Steps));
        Assert.All(run.Network.Counters().Where(c => Own(c.Name)), c => Assert.Equal(4, c.Value));
        Assert.All(run.Network.Parameters().Where(p => p.Name.StartsWith("layer2", StringComparison.Ordinal)), p => Assert.Equal(6, run.Optimizer.StateOf(p)!.Steps));
    }

    [Fact]
    public void A_policy_that_said_it_never_thaws_has_its_optimizer_state_released()
    {
        using var run = new FrozenRun(devices["cpu"], FreezeFrom2To4(FreezeMode.Free, mayThaw: false), FreezeMode.Free, before: new ContractWitness());
        run.Trainer.Run();
        Assert.All(run.Network.Parameters().Where(p => p.Name.StartsWith(Unit, StringComparison.Ordinal)), p => Assert.Equal(2, run.Optimizer.StateOf(p)!.Steps));
        Assert.Equal(run.Network.Parameters().Sum(p => p.Value.Buffer.Bytes), run.Engine.Context.Memory.LiveOf(BufferKind.OptimizerState));
    }

    private static ScriptedPolicy FreezeFrom2To4(FreezeMode mode, bool mayThaw)
    {
        string[] units = mode == FreezeMode.Free ? [Unit] : ["stem", Unit];
        return new ScriptedPolicy(
            c => c.Training.Step switch
            {
                2 => ScriptedPolicy.Freeze(units),
                4 => ScriptedPolicy.Thaw(units),
                _ => FreezeDecision.None,
            },
            mayThaw);
    }
}
