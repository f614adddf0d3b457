using SmartFrz.Kernels;
using SmartFrz.Nn;
using SmartFrz.Tensors;

namespace SmartFrz.Freeze;

/// <summary>
/// The work of one unfrozen training step, unit by unit, as the ledger counted it in the first step, and what freezing would leave out
/// of it, as the planner says.
/// </summary>
/// <param name="Units">Each unit's FLOPs of a step by phase, in forward order.</param>
/// <param name="StepFlops">FLOPs of the whole step, parts outside any unit included.</param>
public sealed record UnitCosts(IReadOnlyList<UnitCost> Units, long StepFlops)
{
    /// <summary>FLOPs of a step when the first <paramref name="frozenUnits"/> units are frozen.</summary>
    public long WithPrefix(int frozenUnits) => StepFlops - Units.Take(frozenUnits).Sum(u => u.SavedInPrefix);

    /// <summary>Reads the totals of all launches so far, unit by unit.</summary>
    public static UnitCosts Read(LaunchLedger ledger, IReadOnlyList<FreezableUnit> units)
    {
        var flops = new long[units.Count, 4];
        long total = 0;
        foreach (var (_, layer, phase, totals) in ledger.Entries)
        {
            int column = Column(phase);
            if (column < 0)
            {
                continue;
            }

            total += totals.Flops;
            int unit = UnitOf(ledger.NameOf(layer), units);
            if (unit >= 0)
            {
                flops[unit, column] += totals.Flops;
            }
        }

        return new UnitCosts([.. units.Select((unit, u) => new UnitCost(unit.Name, flops[u, 0], flops[u, 1], flops[u, 2], flops[u, 3]))], total);
    }

    /// <summary>The difference of two readings: what happened between them.</summary>
    public UnitCosts Since(UnitCosts earlier) =>
        new([.. Units.Zip(earlier.Units, (now, then) => now.Minus(then))], StepFlops - earlier.StepFlops);

    /// <summary>Adds what freezing would leave out of a step in which nothing was frozen.</summary>
    /// <param name="network">The network.</param>
    /// <param name="plan">The plan of that step's backward pass, or of its last where it has several.</param>
    /// <param name="passes">Backward passes of a step.</param>
    public UnitCosts WithSavings(Network network, BackwardPlan plan, int passes = 1)
    {
        var units = network.Units;
        var forward = new long[units.Count];
        foreach (var step in plan.Steps)
        {
            int unit = UnitOf(network.Engine.Context.Launches.NameOf(step.Layer), units);
            if (unit >= 0)
            {
                forward[unit] += step.TrainingForward.Flops;
            }
        }

        var unitOf = network.Parameters().ToDictionary(p => p.Variable, p => UnitOf(p.Name, units));
        var savings = new List<UnitCost>();
        long before = Backward(plan, _ => false);
        for (int u = 0; u < units.Count; u++)
        {
            long after = Backward(plan, v => unitOf.TryGetValue(v, out int unit) && unit >= 0 && unit <= u);
            long own = Units[u].Update + (passes * forward[u]);
            savings.Add(Units[u] with
            {
                SavedInPrefix = own + (passes * (before - after)),
                SavedAlone = own + (passes * (Backward(plan, _ => false) - Backward(plan, v => unitOf.TryGetValue(v, out int unit) && unit == u))),
            });
            before = after;
        }

        return this with { Units = savings };
    }

    private static long Backward(BackwardPlan plan, Predicate<Variable> frozen)
    {
        var (input, weight) = plan.WithFrozen(frozen);
        return input.Flops + weight.Flops;
    }

    private static int UnitOf(string name, IReadOnlyList<FreezableUnit> units)
    {
        for (int u = 0; name.Length > 0 && u < units.Count; u++)
        {
            if (units[u].Contains(name))
            {
                return u;
            }
        }

        return -1;
    }

    private static int Column(Phase phase) => phase switch
    {
        Phase.Forward => 0,
        Phase.BackwardInput => 1,
        Phase.BackwardWeight => 2,
        Phase.Update => 3,
        _ => -1,
    };
}

/// <summary>FLOPs of one unit in one training step.</summary>
/// <param name="Unit">The unit's name.</param>
/// <param name="Forward">Its forward pass.</param>
/// <param name="BackwardInput">Gradients of its activations.</param>
/// <param name="BackwardWeight">Gradients of its parameters.</param>
/// <param name="Update">The optimizer's updates of its parameters.</param>
/// <param name="SavedInPrefix">
/// What a step no longer computes when it freezes and all before it are frozen: the gradients of what the next unit reads included,
/// which nobody needs then.
/// </param>
/// <param name="SavedAlone">What a step no longer computes when it alone is frozen.</param>
public sealed record UnitCost(
    string Unit, long Forward, long BackwardInput, long BackwardWeight, long Update, long SavedInPrefix = 0, long SavedAlone = 0)
{
    internal UnitCost Minus(UnitCost other) => new(
        Unit, Forward - other.Forward, BackwardInput - other.BackwardInput, BackwardWeight - other.BackwardWeight, Update - other.Update);
}
