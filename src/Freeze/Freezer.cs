using SmartFrz.Nn;
using SmartFrz.Nn.Options;

namespace SmartFrz.Freeze;

/// <summary>Which units may freeze at all.</summary>
public enum FreezeMode
{
    /// <summary>A unit freezes only when all units before it are frozen: no backward pass at all below the frontier.</summary>
    Prefix,

    /// <summary>Any unit freezes by itself; one with something trainable before it still passes gradients through.</summary>
    Free,
}

/// <summary>
/// The only writer of freeze states. It turns a policy's wish into the next state of a run: the head stays trainable; in prefix mode
/// the frontier moves without gaps, so that a unit waits for those before it and thaws with any of them.
/// </summary>
public sealed class Freezer(TrainingContext training, FreezeMode mode, bool keepOptimizerState)
{
    private readonly List<FreezeEvent> _events = [];

    /// <summary>Everything frozen and thawed so far, in order.</summary>
    public IReadOnlyList<FreezeEvent> Events => _events;

    /// <summary>Which units may freeze.</summary>
    public FreezeMode Mode => mode;

    /// <summary>Carries a decision out as far as the mode allows.</summary>
    /// <returns>What was really changed.</returns>
    /// <exception cref="ArgumentException">The decision names a unit that the network does not have.</exception>
    public IReadOnlyList<FreezeEvent> Apply(FreezeDecision decision)
    {
        var thaw = Named(decision.Thaw).Where(d => training.IsFrozen(d.Unit)).ToList();
        var freeze = Named(decision.Freeze).Where(d => !d.Unit.IsHead && !training.IsFrozen(d.Unit)).ToList();
        if (mode == FreezeMode.Prefix)
        {
            thaw = WithAllAfter(thaw);
            freeze = Prefix(freeze, thaw.Select(d => d.Unit));
        }

        var next = training.FreezeState.Change(freeze.SelectMany(d => d.Unit.Prefixes), thaw.SelectMany(d => d.Unit.Prefixes));
        if (ReferenceEquals(next, training.FreezeState))
        {
            return [];
        }

        training.SetFreezeState(next, keepOptimizerState);
        var events = freeze.Select(d => Event(d.Decision, frozen: true)).Concat(thaw.Select(d => Event(d.Decision, frozen: false))).ToList();
        _events.AddRange(events);
        return events;
    }

    /// <summary>Freezes modules and parameters by name, outside a training run: for a summary, say.</summary>
    /// <exception cref="OptionException">A name matches nothing.</exception>
    public static FreezeState Freeze(Network network, IReadOnlyCollection<string> names)
    {
        FrozenNames.Check(network, names);
        var state = FreezeState.Empty.Change(names, []);
        state.WriteTo(network);
        return state;
    }

    /// <summary>Freezes modules and parameters by name, given by hand: single parameters and the head too.</summary>
    /// <exception cref="OptionException">A name matches nothing.</exception>
    public void Freeze(IReadOnlyCollection<string> names)
    {
        FrozenNames.Check(training.Model, names);
        var next = training.FreezeState.Change(names, []);
        if (!ReferenceEquals(next, training.FreezeState))
        {
            training.SetFreezeState(next, keepOptimizerState);
        }
    }

    internal void Restore(IEnumerable<FreezeEvent> events)
    {
        _events.Clear();
        _events.AddRange(events);
    }

    private IEnumerable<(FreezableUnit Unit, UnitDecision Decision)> Named(IEnumerable<UnitDecision> decisions) =>
        decisions.Select(d => (Unit: UnitOf(d), Decision: d)).DistinctBy(d => d.Unit.Name);

    // Behind a thawed unit nothing may stay frozen.
    private List<(FreezableUnit Unit, UnitDecision Decision)> WithAllAfter(List<(FreezableUnit Unit, UnitDecision Decision)> wanted)
    {
        var thaw = new List<(FreezableUnit, UnitDecision)>();
        foreach (var unit in training.Model.Units.Where(training.IsFrozen))
        {
            int found = wanted.FindIndex(w => w.Unit == unit);
            if (found >= 0)
            {
                thaw.Add(wanted[found]);
            }
            else if (thaw.Count > 0)
            {
                thaw.Add((unit, new UnitDecision(unit.Name, null, $"prefix mode: {thaw[0].Item1.Name} before it thaws")));
            }
        }

        return thaw;
    }

    // From the input on: already frozen, or frozen now; the first unit that is neither ends the prefix.
    private List<(FreezableUnit Unit, UnitDecision Decision)> Prefix(
        List<(FreezableUnit Unit, UnitDecision Decision)> wanted, IEnumerable<FreezableUnit> thawed)
    {
        var open = thawed.ToHashSet();
        var prefix = new List<(FreezableUnit, UnitDecision)>();
        foreach (var unit in training.Model.Units)
        {
            if (training.IsFrozen(unit) && !open.Contains(unit))
            {
                continue;
            }

            int found = wanted.FindIndex(w => w.Unit == unit);
            if (found < 0)
            {
                break;
            }

            prefix.Add(wanted[found]);
        }

        return prefix;
    }

    private FreezableUnit UnitOf(UnitDecision decision) =>
        training.Model.Units.FirstOrDefault(u => u.Name == decision.Unit)
        ?? throw new ArgumentException($"the policy names unit '{decision.Unit}', the network has {string.Join(", ", training.Model.Units.Select(u => u.Name))}");

    private FreezeEvent Event(UnitDecision decision, bool frozen) =>
        new(decision.Unit, frozen, training.Step, training.EpochFraction, decision.Score, decision.Reason);
}
