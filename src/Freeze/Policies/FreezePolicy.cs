using SmartFrz.Nn;

namespace SmartFrz.Freeze;

/// <summary>
/// Decides which units of a network freeze, and when. A policy sees the run through <see cref="FreezeContext"/>, which computes
/// nothing that is not asked for.
/// </summary>
/// <remarks>
/// A new policy is one class and one <see cref="IFreezePolicyFactory"/>, found by reflection. State that outlives a step goes
/// through <see cref="ICheckpointed"/>, so that a resumed run decides the same.
/// </remarks>
public abstract class FreezePolicy : ICheckpointed, IDisposable
{
    /// <summary>The name it is asked for by.</summary>
    public abstract string Name { get; }

    /// <summary>Whether it may thaw units: the optimizer then keeps the state of frozen parameters.</summary>
    public virtual bool MayThaw => false;

    /// <inheritdoc/>
    public string CheckpointKey => "policy";

    /// <summary>The device memory and parameters the policy itself takes; null when it takes none.</summary>
    public virtual PolicyOverhead? Overhead => null;

    /// <summary>Before the first step, or after a checkpoint was restored.</summary>
    public virtual void Start(FreezeContext context)
    {
    }

    /// <summary>Asked after every step; most steps answer <see cref="FreezeDecision.None"/> at no cost.</summary>
    public abstract FreezeDecision Decide(FreezeContext context);

    /// <summary>Writes its state.</summary>
    public virtual void Save(CheckpointEntries entries)
    {
    }

    /// <summary>Restores its state.</summary>
    public virtual void Load(CheckpointEntries entries)
    {
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Gives device memory back.</summary>
    protected virtual void Dispose(bool disposing)
    {
    }
}

/// <summary>What a policy itself takes.</summary>
/// <param name="Bytes">Device bytes at the peak: parameters, histories and workspace.</param>
/// <param name="Parameters">Parameters of its predictor.</param>
public sealed record PolicyOverhead(long Bytes, long Parameters);

/// <summary>What a policy sees of a run.</summary>
public sealed class FreezeContext
{
    private readonly Func<UnitCosts?> _costs;

    internal FreezeContext(TrainingContext training, Freezer freezer, Func<UnitCosts?> costs)
    {
        Training = training;
        Freezer = freezer;
        _costs = costs;
    }

    /// <summary>The run: network, optimizer, step, loss, learning rate.</summary>
    public TrainingContext Training { get; }

    /// <summary>The freezing done so far.</summary>
    public Freezer Freezer { get; }

    /// <summary>The units that may freeze, in forward order: all but the head.</summary>
    public IReadOnlyList<FreezableUnit> Units => field ??= [.. Training.Model.Units.Where(u => !u.IsHead)];

    /// <summary>The units that may freeze and have not.</summary>
    public IEnumerable<FreezableUnit> Active => Training.ActiveUnits;

    /// <summary>Whether the step that has just ended was the last one of an epoch.</summary>
    public bool AtEpochEnd => Training.Step % Training.StepsPerEpoch == 0;

    /// <summary>What an unfrozen step costs, unit by unit; known once the first step has run.</summary>
    public UnitCosts Costs => _costs() ?? throw new InvalidOperationException("the cost of a step is known after the first step only");
}

/// <summary>Makes policies of one name.</summary>
public interface IFreezePolicyFactory
{
    /// <summary>The name of the policy.</summary>
    string Name { get; }

    /// <summary>One line for help texts.</summary>
    string Description { get; }

    /// <summary>The record of its options (the section <c>freeze</c> of a configuration).</summary>
    Type Options { get; }

    /// <summary>Makes a policy from its options record.</summary>
    FreezePolicy Create(object options);
}

/// <summary>A factory with a typed options record.</summary>
public abstract class FreezePolicyFactory<TOptions> : IFreezePolicyFactory
    where TOptions : class, new()
{
    /// <inheritdoc/>
    public abstract string Name { get; }

    /// <inheritdoc/>
    public abstract string Description { get; }

    /// <inheritdoc/>
    public Type Options => typeof(TOptions);

    /// <inheritdoc/>
    public FreezePolicy Create(object options) => Create((TOptions)options);

    /// <summary>Makes a policy.</summary>
    protected abstract FreezePolicy Create(TOptions options);
}

/// <summary>Options of a policy that has none.</summary>
public sealed record NoPolicyOptions;
