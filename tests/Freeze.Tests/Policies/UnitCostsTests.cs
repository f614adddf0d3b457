using System.Text.Json;
using System.Text.Json.Nodes;
using SmartFrz.Kernels;
using SmartFrz.Kernels.Cpu;
using SmartFrz.Nn.Options;

namespace SmartFrz.Freeze.Tests;

/// <summary>What the first step tells about the cost of units, against the plans and ledgers of the steps with frozen ones.</summary>
public sealed class UnitCostsTests
{
    private static readonly Phase[] Counted = [Phase.Forward, Phase.BackwardInput, Phase.BackwardWeight, Phase.Update];

    [Theory]
    [InlineData("resnet8", "A")]
    [InlineData("resnet8", "B")]
    [InlineData("cnn", null)]
    public void The_cost_of_a_step_with_a_frozen_prefix_is_known_after_the_first_step(string model, string? shortcut)
    {
        using var device = new CpuDevice(threads: 1);
        var (costs, plan) = Measure(device, model, shortcut, []);
        Assert.Equal(plan.Input, costs.Measured[1]);
        Assert.Equal(plan.Weight, costs.Measured[2]);
        Assert.Equal(costs.Measured.Sum(), costs.Units.StepFlops);
        Assert.Equal(plan.Weight, costs.Units.Units.Sum(u => u.BackwardWeight));
        string[] units = [.. costs.Units.Units.Select(u => u.Unit)];
        for (int k = 0; k < units.Length; k++)
        {
            var (frozen, _) = Measure(device, model, shortcut, units[..k]);
            Assert.Equal(costs.Units.WithPrefix(k), frozen.Measured.Sum());
            Assert.True(k == 0 || costs.Units.WithPrefix(k) < costs.Units.WithPrefix(k - 1));
            if (k > 0)
            {
                var (alone, _) = Measure(device, model, shortcut, [units[k - 1]]);
                Assert.Equal(costs.Units.StepFlops - costs.Units.Units[k - 1].SavedAlone, alone.Measured.Sum());
            }
        }
    }

    [Fact]
    public void Costs_survive_a_checkpoint()
    {
        using var device = new CpuDevice(threads: 1);
        var (costs, _) = Measure(device, "resnet8", "A", []);
        string json = JsonSerializer.Serialize(costs.Units, OptionBinder.Json);
        var back = JsonSerializer.Deserialize<UnitCosts>(json, OptionBinder.Json)!;
        Assert.Equal(costs.Units.StepFlops, back.StepFlops);
        Assert.Equal(costs.Units.Units, back.Units);
    }

    // The FLOPs of the second step by phase, the units frozen after the first; the costs and the plan of the first.
    private static ((UnitCosts Units, long[] Measured) Costs, (long Input, long Weight) Plan) Measure(Device device, string model, string? shortcut, string[] frozen)
    {
        var options = FrozenRun.Tiny();
        if (shortcut is not null)
        {
            options["shortcut"] = JsonValue.Create(shortcut);
        }
        else
        {
            options["hidden"] = 5;
        }

        var policy = new ScriptedPolicy(c => c.Training.Step == 1 ? ScriptedPolicy.Freeze(frozen) : FreezeDecision.None);
        long[] before = [], after = [];
        (long, long) plan = default;
        var watch = new Watch
        {
            OnStepStarting = c => before = Flops(c.Engine.Context.Launches),
            OnGradientsReady = c => plan = c.Step == 0 ? (c.Engine.LastPlan!.BackwardInput.Flops, c.Engine.LastPlan.BackwardWeight.Flops) : plan,
            OnStepEnded = c => after = Flops(c.Engine.Context.Launches),
        };
        using var run = new FrozenRun(device, policy, FreezeMode.Free, stepsPerEpoch: 2, epochs: 1, model: model, options: options, poison: false, before: watch);
        run.Trainer.Run();
        Assert.Equal(frozen.Length, run.Trainer.Context.FrozenUnits);
        return ((run.Freezing.Costs!, [.. after.Zip(before, (a, b) => a - b)]), plan);
    }

    private static long[] Flops(LaunchLedger ledger) => [.. Counted.Select(p => ledger[p].Flops)];
}
