using SmartFrz.Kernels;
using SmartFrz.Nn;

namespace SmartFrz.Freeze;

/// <summary>
/// The work of one unfrozen training step, unit by unit, as the ledger counted it in the first step.
/// </summary>
/// <param name="Units">Each unit's FLOPs of a step by phase, in forward order.</param>
/// <param name="StepFlops">FLOPs of the whole step, parts outside any unit included.</param>
public sealed record UnitCosts(IReadOnlyList<UnitCost> Units, long StepFlops)
{
    /// <summary>FLOPs of a step when the first <paramref name="frozenUnits"/> units are frozen.</summary>
    public long WithPrefix(int frozenUnits) => StepFlops - Units.Take(frozenUnits).Sum(u => u.SavedAsPrefix);

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
            string name = ledger.NameOf(layer);
            for (int u = 0; u < units.Count; u++)
            {
                if (name.Length > 0 && units[u].Contains(name))
                {
                    flops[u, column] += totals.Flops;
                    break;
                }
            }
        }

        return new UnitCosts([.. units.Select((unit, u) => new UnitCost(unit.Name, flops[u, 0], flops[u, 1], flops[u, 2], flops[u, 3]))], total);
    }

    /// <summary>The difference of two readings: what happened between them.</summary>
    public UnitCosts Since(UnitCosts earlier) =>
        new([.. Units.Zip(earlier.Units, (now, then) => now.Minus(then))], StepFlops - earlier.StepFlops);

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
public sealed record UnitCost(string Unit, long Forward, long BackwardInput, long BackwardWeight, long Update)
{
    /// <summary>What a step no longer computes when this unit and all before it are frozen.</summary>
    public long SavedAsPrefix => BackwardInput + BackwardWeight + Update;

    internal UnitCost Minus(UnitCost other) => new(
        Unit, Forward - other.Forward, BackwardInput - other.BackwardInput, BackwardWeight - other.BackwardWeight, Update - other.Update);
}
