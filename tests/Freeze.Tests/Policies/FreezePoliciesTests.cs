using System.Text.Json.Nodes;
using SmartFrz.Nn.Options;

namespace SmartFrz.Freeze.Tests;

public sealed class FreezePoliciesTests
{
    [Fact]
    public void Policies_are_found_by_name()
    {
        var known = FreezePolicies.All();
        Assert.Superset(new HashSet<string> { "none", "linear", "schedule", "random", "smartfrz" }, known.Keys.ToHashSet());
        foreach (var (name, factory) in known)
        {
            Assert.Equal(name, factory.Name);
            Assert.NotEmpty(factory.Description);
            using var policy = FreezePolicies.Create(name);
            Assert.Equal(name, policy.Name);
        }
    }

    [Fact]
    public void An_unknown_name_is_an_error_that_says_what_was_meant()
    {
        var e = Assert.Throws<OptionException>(() => FreezePolicies.Create("smartfz"));
        Assert.Contains("did you mean 'smartfrz'?", e.Message, StringComparison.Ordinal);
        Assert.Contains("linear", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_unknown_option_is_an_error_that_says_what_was_meant()
    {
        var e = Assert.Throws<OptionException>(() => FreezePolicies.Create("smartfrz", new JsonObject { ["treshold"] = 0.5 }));
        Assert.Contains("'freeze.treshold', did you mean 'threshold'?", e.Message, StringComparison.Ordinal);
        e = Assert.Throws<OptionException>(() => FreezePolicies.Create("none", new JsonObject { ["threshold"] = 0.5 }));
        Assert.Contains("no options", e.Message, StringComparison.Ordinal);
        e = Assert.Throws<OptionException>(() => FreezePolicies.Create("random", new JsonObject { ["saved_share"] = "much" }));
        Assert.Contains("option 'freeze.saved_share' is \"much\", expected a number", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"threshold": 0}""", "freeze.threshold")]
    [InlineData("""{"threshold": 1.1}""", "freeze.threshold")]
    [InlineData("""{"votes": 0}""", "freeze.votes")]
    [InlineData("""{"stages_per_epoch": 0}""", "freeze.stages_per_epoch")]
    public void Values_of_smartfrz_without_sense_are_refused(string options, string name)
    {
        var e = Assert.Throws<OptionException>(() => FreezePolicies.Create("smartfrz", (JsonObject)JsonNode.Parse(options)!));
        Assert.Contains(name, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_policy_of_another_assembly_is_found()
    {
        var here = typeof(FreezePoliciesTests).Assembly;
        Assert.False(FreezePolicies.All().ContainsKey("every-other"));
        // Naming an assembly twice, or the library's own, does no harm.
        Assert.True(FreezePolicies.All(here, here, typeof(FreezePolicies).Assembly).ContainsKey("every-other"));
        using var policy = FreezePolicies.Create("every-other", new JsonObject { ["at_step"] = 2 }, here);
        using var bench = new PolicyBench(4, 1, FreezeMode.Free);
        Assert.Equal(["stem@2", "layer2.0@2"], bench.Run(policy));
    }

    /// <summary>The options of the policy that lives in these tests.</summary>
    public sealed record EveryOtherOptions
    {
        public long AtStep { get; init; } = 1;
    }

    /// <summary>A policy as a user of the library would write one.</summary>
    public sealed class EveryOtherFactory : FreezePolicyFactory<EveryOtherOptions>
    {
        public override string Name => "every-other";

        public override string Description => "every other unit at one step";

        protected override FreezePolicy Create(EveryOtherOptions options) => new EveryOther(options);

        private sealed class EveryOther(EveryOtherOptions options) : FreezePolicy
        {
            public override string Name => "every-other";

            public override FreezeDecision Decide(FreezeContext context) =>
                context.Training.Step == options.AtStep
                    ? FreezeDecision.ToFreeze(context.Units.Where((_, u) => u % 2 == 0).Select(u => new UnitDecision(u.Name, null, "even")))
                    : FreezeDecision.None;
        }
    }
}
