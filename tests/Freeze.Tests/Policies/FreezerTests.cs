using SmartFrz.Nn;

namespace SmartFrz.Freeze.Tests;

public sealed class FreezerTests
{
    [Theory]
    [InlineData(FreezeMode.Prefix)]
    [InlineData(FreezeMode.Free)]
    public void The_head_never_freezes(FreezeMode mode)
    {
        using var bench = new PolicyBench(1, 1, mode);
        bench.Freezer.Apply(ScriptedPolicy.Freeze(bench.Network.Units.Select(u => u.Name)));
        Assert.Equal(["stem", "layer1.0", "layer2.0", "layer3.0"], bench.Frozen);
        Assert.Empty(bench.Freezer.Apply(ScriptedPolicy.Freeze("head")));
        Assert.All(bench.Network.Parameters(), p => Assert.Equal(!p.Name.StartsWith("linear.", StringComparison.Ordinal), p.IsFrozen));
    }

    [Fact]
    public void A_prefix_has_no_gaps()
    {
        using var bench = new PolicyBench(1, 1);
        Assert.Empty(bench.Freezer.Apply(ScriptedPolicy.Freeze("layer1.0", "layer3.0")));
        bench.Freezer.Apply(ScriptedPolicy.Freeze("layer3.0", "layer1.0", "stem"));
        Assert.Equal(["stem", "layer1.0"], bench.Frozen);
        bench.Freezer.Apply(ScriptedPolicy.Freeze("layer2.0"));
        Assert.Equal(["stem", "layer1.0", "layer2.0"], bench.Frozen);
    }

    [Fact]
    public void Freely_any_unit_freezes_and_thaws_by_itself()
    {
        using var bench = new PolicyBench(1, 1, FreezeMode.Free);
        bench.Freezer.Apply(ScriptedPolicy.Freeze("layer3.0", "layer1.0"));
        Assert.Equal(["layer1.0", "layer3.0"], bench.Frozen);
        bench.Freezer.Apply(ScriptedPolicy.Thaw("layer1.0"));
        Assert.Equal(["layer3.0"], bench.Frozen);
    }

    [Fact]
    public void In_a_prefix_all_behind_a_thawed_unit_thaw_too()
    {
        using var bench = new PolicyBench(1, 1);
        bench.Freezer.Apply(ScriptedPolicy.Freeze("stem", "layer1.0", "layer2.0"));
        var events = bench.Freezer.Apply(ScriptedPolicy.Thaw("layer1.0"));
        Assert.Equal(["stem"], bench.Frozen);
        Assert.Equal([("layer1.0", false, "as the test says"), ("layer2.0", false, "prefix mode: layer1.0 before it thaws")], events.Select(e => (e.Unit, e.Frozen, e.Reason)));
    }

    [Fact]
    public void What_thaws_does_not_carry_a_prefix()
    {
        using var bench = new PolicyBench(1, 1);
        bench.Freezer.Apply(ScriptedPolicy.Freeze("stem", "layer1.0"));
        bench.Freezer.Apply(new FreezeDecision([ScriptedPolicy.Unit("layer2.0")], [ScriptedPolicy.Unit("layer1.0")]));
        Assert.Equal(["stem"], bench.Frozen);
    }

    [Fact]
    public void A_unit_that_is_not_there_is_named_beside_those_that_are()
    {
        using var bench = new PolicyBench(1, 1);
        var e = Assert.Throws<ArgumentException>(() => bench.Freezer.Apply(ScriptedPolicy.Freeze("layer9")));
        Assert.Contains("'layer9'", e.Message, StringComparison.Ordinal);
        Assert.Contains("stem, layer1.0, layer2.0, layer3.0, head", e.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => bench.Freezer.Apply(ScriptedPolicy.Thaw("layer9")));
        Assert.Empty(bench.Frozen);
    }

    [Fact]
    public void Only_what_changes_makes_a_version_and_an_event()
    {
        using var bench = new PolicyBench(1, 1);
        Assert.Same(FreezeState.Empty, bench.Training.FreezeState);
        Assert.Empty(bench.Freezer.Apply(ScriptedPolicy.Thaw("stem")));
        Assert.Empty(bench.Freezer.Apply(FreezeDecision.None));
        Assert.Same(FreezeState.Empty, bench.Training.FreezeState);
        Assert.Single(bench.Freezer.Apply(ScriptedPolicy.Freeze("stem", "stem")));
        Assert.Equal(1, bench.Training.FreezeState.Version);
        Assert.Empty(bench.Freezer.Apply(ScriptedPolicy.Freeze("stem")));
        bench.Freezer.Apply(ScriptedPolicy.Thaw("stem"));
        Assert.Equal(2, bench.Training.FreezeState.Version);
        Assert.Equal([("stem", true), ("stem", false)], bench.Freezer.Events.Select(e => (e.Unit, e.Frozen)));
    }
}
