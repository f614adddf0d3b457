using SmartFrz.Kernels;

namespace SmartFrz.Nn.Tests.Training;

public sealed class LedgerTests
{
    private static readonly string[] Stem = ["conv1", "bn1"];

    [Fact]
    public void Costs_are_those_of_the_plans_and_leave_evaluation_out()
    {
        using var run = new TinyRun();
        LaunchTotals input = default, weight = default;
        long updates = 0;
        run.Trainer.Add(new Callback
        {
            OnGradientsReady = c =>
            {
                input += c.Engine.LastPlan!.BackwardInput;
                weight += c.Engine.LastPlan.BackwardWeight;
                updates += c.Model.Parameters().Count();
            },
        });
        var result = run.Trainer.Run();
        var ledger = run.Engine.Context.Launches;
        Assert.Equal(run.Engine.Context.Dispatched, ledger.Total.Launches);
        Assert.Equal((input.Launches, input.Flops), (result.Costs[Phase.BackwardInput].Launches, result.Costs[Phase.BackwardInput].Flops));
        Assert.Equal((weight.Launches, weight.Flops), (result.Costs[Phase.BackwardWeight].Launches, result.Costs[Phase.BackwardWeight].Flops));
        // The optimizer fills its momentum with zeros once.
        Assert.Equal(updates + run.Network.Parameters().Count(), result.Costs[Phase.Update].Launches);
        Assert.Equal(ledger[Phase.Forward], result.Costs[Phase.Forward]);
        // Of what is booked with the data, training has one score a step; the rest is evaluation.
        Assert.Equal(result.Steps, result.Costs[Phase.Data].Launches);
        Assert.True(ledger[Phase.Data].Launches > 2 * result.Steps);
        double kernels = result.Costs.Phases.Sum(p => p.Seconds);
        Assert.InRange(kernels, 1e-6, result.TrainSeconds);
    }

    [Fact]
    public void A_frozen_unit_costs_no_weight_gradient_and_its_memory_goes()
    {
        using var run = new TinyRun();
        var ledger = run.Engine.Context.Launches;
        LaunchTotals[]? atFreeze = null;
        LaunchTotals[] Now() => [.. Stem.Select(name => ledger[ledger.Layer(name), Phase.BackwardWeight])];
        run.Trainer.Add(new Callback
        {
            OnStepEnded = c =>
            {
                if (c.Step == 7)
                {
                    c.SetFreezeState(c.FreezeState.Change(Stem, []), keepOptimizerState: false);
                    atFreeze = Now();
                }
            },
        });
        var result = run.Trainer.Run();
        Assert.Equal(atFreeze, Now());
        Assert.True(atFreeze![0].Launches > 0);
        Assert.Equal([0, 1, 1], result.History.Select(e => e.FrozenUnits));
        long stem = run.Network.Parameters().Where(p => p.IsFrozen).Sum(p => p.Shape.Count) * sizeof(float);
        Assert.True(stem > 0);
        Assert.Equal(result.FirstStep.GradientBytes - stem, result.LastStep.GradientBytes);
        Assert.Equal(result.FirstStep.OptimizerBytes - stem, result.LastStep.OptimizerBytes);
        Assert.True(result.LastStep.SavedBytes < result.FirstStep.SavedBytes);
        Assert.True(result.PeakBytes >= result.FirstStep.SavedBytes);
    }

    [Fact]
    public void A_run_gives_back_what_it_borrowed()
    {
        using var run = new TinyRun();
        long before = run.Engine.Context.Memory.LiveOf(BufferKind.Parameter);
        run.Trainer.Run();
        run.Trainer.Dispose();
        run.Optimizer.Dispose();
        Assert.Equal(before, run.Engine.Context.Memory.LiveOf(BufferKind.Parameter));
        Assert.Equal(0, run.Engine.Context.Memory.LiveOf(BufferKind.Input));
        Assert.Equal(0, run.Engine.Context.Memory.LiveOf(BufferKind.Workspace));
        Assert.Equal(0, run.Engine.Context.Memory.LiveOf(BufferKind.SavedActivation));
        Assert.Equal(0, run.Engine.Context.Memory.LiveOf(BufferKind.OptimizerState));
    }
}
