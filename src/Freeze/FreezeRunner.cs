using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using SmartFrz.Kernels;
using SmartFrz.Nn;
using SmartFrz.Nn.Options;

namespace SmartFrz.Freeze;

/// <summary>
/// Connects a policy to a training run: asks it after every step, lets the freezer carry its decisions out, measures what a step
/// costs unfrozen, and keeps all of it in checkpoints. Work the policy causes is booked as <see cref="Phase.Freeze"/>.
/// </summary>
public sealed class FreezeRunner(FreezePolicy policy, FreezeMode mode = FreezeMode.Prefix) : ITrainingCallback, ICheckpointed
{
    private Freezer? _freezer;
    private FreezeContext? _context;
    private UnitCosts? _before, _costs;
    private long _forwardBefore, _updateBefore, _firstForward, _firstUpdate, _firstElements;
    private CheckpointEntries? _restored;

    /// <summary>Raised for each unit frozen or thawed.</summary>
    public event Action<FreezeEvent>? Changed;

    /// <summary>The policy.</summary>
    public FreezePolicy Policy => policy;

    /// <summary>Everything frozen and thawed so far.</summary>
    public IReadOnlyList<FreezeEvent> Events => _freezer?.Events ?? [];

    /// <summary>The cost of an unfrozen step; null before the first step.</summary>
    public UnitCosts? Costs => _costs;

    /// <summary>FLOPs of the steps so far if nothing had been frozen.</summary>
    /// <remarks>
    /// A step whose batch is as large as the first one's costs what that cost. Texts have other lengths: such a step costs as much more or less
    /// as its forward pass does, which freezing leaves as it is where nothing is normalised over the batch; updates cost the same.
    /// </remarks>
    public long UnfrozenFlops { get; private set; }

    /// <summary>Seconds spent in the policy.</summary>
    public double Seconds { get; private set; }

    /// <inheritdoc/>
    /// <remarks>With the policy's name: a run does not go on under another policy.</remarks>
    public string CheckpointKey => "freeze-" + policy.Name;

    /// <inheritdoc/>
    public void RunStarting(TrainingContext context)
    {
        if (_freezer is not null && _restored is null)
        {
            // The run was stopped and goes on: the policy is still at work.
            return;
        }

        _freezer = new Freezer(context, mode, policy.MayThaw);
        _context = new FreezeContext(context, _freezer, () => _costs);
        if (_restored is { } restored)
        {
            _freezer.Restore(restored.Json["events"]!.Deserialize<List<FreezeEvent>>(OptionBinder.Json)!);
            _costs = restored.Json["costs"].Deserialize<UnitCosts>(OptionBinder.Json);
            Seconds = (double)restored.Json["seconds"]!;
            UnfrozenFlops = (long)restored.Json["unfrozen_flops"]!;
            (_firstForward, _firstUpdate, _firstElements) =
                ((long)restored.Json["first_forward"]!, (long)restored.Json["first_update"]!, (long)restored.Json["first_elements"]!);
            _restored = null;
        }

        OnPolicy(context, () => policy.Start(_context));
    }

    /// <inheritdoc/>
    public void StepStarting(TrainingContext context)
    {
        var launches = context.Engine.Context.Launches;
        (_forwardBefore, _updateBefore) = (launches[Phase.Forward].Flops, launches[Phase.Update].Flops);
        if (_costs is null)
        {
            _before = UnitCosts.Read(context.Engine.Context.Launches, context.Model.Units);
        }
    }

    /// <inheritdoc/>
    public void StepEnded(TrainingContext context)
    {
        _costs ??= UnitCosts.Read(context.Engine.Context.Launches, context.Model.Units).Since(_before!)
            .WithSavings(context.Model, context.Engine.LastPlan!, context.BatchesPerStep);
        CountUnfrozen(context);
        if (context.Step == context.TotalSteps)
        {
            // After the last step there is nothing left to save: what would freeze now must not adorn the report.
            return;
        }

        var decision = FreezeDecision.None;
        OnPolicy(context, () => decision = policy.Decide(_context!));
        if (!decision.IsEmpty)
        {
            foreach (var change in _freezer!.Apply(decision))
            {
                Changed?.Invoke(change);
            }
        }
    }

    /// <inheritdoc/>
    public void Save(CheckpointEntries entries)
    {
        entries.Json["events"] = JsonSerializer.SerializeToNode(Events, OptionBinder.Json);
        entries.Json["costs"] = JsonSerializer.SerializeToNode(_costs, OptionBinder.Json);
        entries.Json["seconds"] = Seconds;
        entries.Json["unfrozen_flops"] = UnfrozenFlops;
        (entries.Json["first_forward"], entries.Json["first_update"], entries.Json["first_elements"]) = (_firstForward, _firstUpdate, _firstElements);
        var own = new CheckpointEntries { Arrays = entries.Arrays };
        policy.Save(own);
        entries.Json["policy"] = own.Json;
    }

    /// <inheritdoc/>
    public void Load(CheckpointEntries entries)
    {
        _restored = entries;
        policy.Load(new CheckpointEntries { Json = (JsonObject?)entries.Json["policy"]?.DeepClone() ?? [], Arrays = entries.Arrays });
    }

    private void CountUnfrozen(TrainingContext context)
    {
        var launches = context.Engine.Context.Launches;
        long forward = launches[Phase.Forward].Flops - _forwardBefore;
        if (_firstForward == 0)
        {
            (_firstForward, _firstUpdate, _firstElements) = (forward, launches[Phase.Update].Flops - _updateBefore, context.StepElements);
        }

        bool asFirst = context.StepElements == _firstElements || _firstForward == 0;
        long first = _costs!.StepFlops;
        UnfrozenFlops += asFirst ? first : _firstUpdate + (long)((double)(first - _firstUpdate) * forward / _firstForward);
    }

    // The policy's own work, timed and booked as such.
    private void OnPolicy(TrainingContext context, Action work)
    {
        var device = context.Engine.Context;
        var phase = device.Phase;
        device.Phase = Phase.Freeze;
        long start = Stopwatch.GetTimestamp();
        work();
        Seconds += Stopwatch.GetElapsedTime(start).TotalSeconds;
        device.Phase = phase;
    }
}
