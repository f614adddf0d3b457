using System.Globalization;
using System.Text.Json;
using SmartFrz.Kernels;
using SmartFrz.Nn;
using SmartFrz.Nn.Options;
using SmartFrz.Tensors;

namespace SmartFrz.Freeze;

/// <summary>How the probabilities of a unit's tensors become one.</summary>
public enum UnitProbability
{
    /// <summary>The smallest: the last tensor to settle decides.</summary>
    Min,

    /// <summary>Their mean.</summary>
    Mean,
}

/// <summary>The options of <see cref="SmartFrzPolicy"/>.</summary>
public sealed record SmartFrzPolicyOptions
{
    /// <summary>The predictor's file; null takes the one that comes with the library.</summary>
    /// <value>Default null.</value>
    public string? Predictor { get; init; }

    /// <summary>The probability from which on a unit freezes.</summary>
    /// <value>
    /// Default 0.15: chosen on the default network, with seeds that no study and no recorded run uses, for about a seventh of the FLOPs. The
    /// predictor speaks of curves that keep within a tenth of their range to the end; a layer is worth freezing some time before.
    /// </value>
    public double Threshold { get; init; } = 0.15;

    /// <summary>How the probabilities of a unit's tensors become one.</summary>
    /// <value>Default min.</value>
    public UnitProbability Combine { get; init; } = UnitProbability.Min;

    /// <summary>Stages in a row that must say "freeze".</summary>
    /// <value>Default 2: a single stage is easily wrong, and a layer frozen too early costs more than one frozen late.</value>
    public int Votes { get; init; } = 2;

    /// <summary>Freezing stages in an epoch, once the window is full.</summary>
    /// <value>Default 4.</value>
    public int StagesPerEpoch { get; init; } = 4;

    /// <summary>The share of the units, the head left out, that may freeze at one stage; at least one may.</summary>
    /// <value>
    /// Default a third: the layers of a small network settle together when the learning rate falls, and frozen together they leave
    /// nothing that could make good what each of them lost.
    /// </value>
    public double StageShare { get; init; } = 1.0 / 3;

    /// <summary>The seed of the sampled positions.</summary>
    /// <value>Default 0.</value>
    public ulong SampleSeed { get; init; }
}

/// <summary>
/// SmartFRZ: records the recent weights of every active layer and asks an attention predictor, at regular stages, which of them
/// may freeze.
/// </summary>
/// <remarks>
/// A snapshot is taken every max(1, floor(steps per epoch / window)) steps. After a freeze the windows of the other layers begin anew:
/// what they hold was recorded in another network. All of it runs in an engine of its own whose launches and memory are booked as the
/// cost of freezing.
/// Source: SmartFRZ (arXiv 2401.16720), the online part.
/// </remarks>
public sealed class SmartFrzPolicy : FreezePolicy
{
    private readonly SmartFrzPolicyOptions _options;
    private Dictionary<string, int> _votes = new(StringComparer.Ordinal);
    private CheckpointEntries? _restored;
    private Engine? _engine;
    private PredictorFile? _file;
    private AttentionPredictor? _predictor;
    private LayerHistories? _histories;
    private int _activeUnits;
    private long _peakBytes;

    /// <summary>A policy with those options.</summary>
    /// <exception cref="OptionException">An option is out of range.</exception>
    public SmartFrzPolicy(SmartFrzPolicyOptions options)
    {
        if (options.Threshold is not (> 0 and <= 1))
        {
            throw new OptionException(string.Create(CultureInfo.InvariantCulture, $"option 'freeze.threshold' is {options.Threshold}, expected a number above 0 and up to 1"));
        }

        if (options.Votes < 1 || options.StagesPerEpoch < 1)
        {
            throw new OptionException($"options 'freeze.votes' and 'freeze.stages_per_epoch' are {options.Votes} and {options.StagesPerEpoch}, expected 1 or more");
        }

        if (options.StageShare is not (> 0 and <= 1))
        {
            throw new OptionException(string.Create(CultureInfo.InvariantCulture, $"option 'freeze.stage_share' is {options.StageShare}, expected a number above 0 and up to 1"));
        }

        _options = options;
    }

    /// <inheritdoc/>
    public override string Name => "smartfrz";

    /// <inheritdoc/>
    public override PolicyOverhead? Overhead =>
        _predictor is null ? null : new PolicyOverhead(_peakBytes, _predictor.Parameters().Sum(p => p.Shape.Count));

    /// <inheritdoc/>
    public override void Start(FreezeContext context)
    {
        Release();
        var training = context.Training;
        _engine = training.Engine.CreateSibling(Phase.Freeze);
        _file = _options.Predictor is { } path ? PredictorFile.Read(path) : PredictorFile.Default;
        _predictor = _file.Build(_engine);
        _predictor.SetTraining(false);
        var active = training.ActiveUnits.ToList();
        _histories = new LayerHistories(_engine, training.Model, active, _file.Options.History, _options.SampleSeed);
        if (_restored is { } restored)
        {
            _histories.Load(restored);
            foreach (var (unit, votes) in restored.Json["votes"].Deserialize<Dictionary<string, int>>(OptionBinder.Json)!)
            {
                _votes[unit] = votes;
            }

            _activeUnits = (int)restored.Json["active_units"]!;
            _peakBytes = (long)restored.Json["peak_bytes"]!;
            _restored = null;
        }
        else
        {
            _activeUnits = active.Count;
            _histories.Record();
        }

        MeasureMemory(0);
    }

    /// <inheritdoc/>
    public override FreezeDecision Decide(FreezeContext context)
    {
        var training = context.Training;
        bool records = training.Step % _file!.Options.History.IntervalFor(training.StepsPerEpoch) == 0;
        bool decides = training.Step % Math.Max(1, training.StepsPerEpoch / _options.StagesPerEpoch) == 0;
        int active = training.ActiveUnits.Count();
        if (active != _activeUnits)
        {
            _activeUnits = active;
            _histories!.Release(training.IsFrozen);
            _histories.Restart();
            _votes.Clear();
        }
        else if (records)
        {
            _histories!.Record();
        }

        return decides ? Stage(context) : FreezeDecision.None;
    }

    /// <inheritdoc/>
    public override void Save(CheckpointEntries entries)
    {
        entries.Json["active_units"] = _activeUnits;
        entries.Json["votes"] = JsonSerializer.SerializeToNode(_votes, OptionBinder.Json);
        entries.Json["peak_bytes"] = _peakBytes;
        _histories?.Save(entries);
    }

    /// <inheritdoc/>
    public override void Load(CheckpointEntries entries) => _restored = entries;

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            Release();
        }

        base.Dispose(disposing);
    }

    private FreezeDecision Stage(FreezeContext context)
    {
        var wanted = new List<UnitDecision>();
        var votes = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var unit in _histories!.All.GroupBy(h => h.Unit))
        {
            if (Settled(unit) is { } p)
            {
                int inRow = votes[unit.Key.Name] = _votes.GetValueOrDefault(unit.Key.Name) + 1;
                if (inRow >= _options.Votes)
                {
                    wanted.Add(new UnitDecision(
                        unit.Key.Name, p, string.Create(CultureInfo.InvariantCulture, $"predictor: P(freeze) {p:0.000} >= {_options.Threshold:0.###}")));
                }
            }
            else if (context.Freezer.Mode == FreezeMode.Prefix)
            {
                // Behind a unit that goes on learning none can freeze: nobody is asked.
                break;
            }
        }

        _votes = votes;
        int most = Math.Max(1, (int)(_options.StageShare * context.Units.Count));
        return FreezeDecision.ToFreeze(wanted.Take(most));
    }

    // The unit's probability if it reaches the threshold, else null; a tensor below it spares the others of its unit when the least counts.
    private double? Settled(IEnumerable<(FreezableUnit Unit, WeightHistory History)> unit)
    {
        double least = double.PositiveInfinity, sum = 0;
        int count = 0;
        foreach (var (_, history) in unit)
        {
            if (!history.IsFull || (_options.Combine == UnitProbability.Min && least < _options.Threshold))
            {
                return null;
            }

            double p = Probability(history);
            (least, sum, count) = (Math.Min(least, p), sum + p, count + 1);
        }

        double combined = _options.Combine == UnitProbability.Min ? least : sum / count;
        return combined >= _options.Threshold ? combined : null;
    }

    // One layer at a time: the workspace stays that of one window.
    private double Probability(WeightHistory history)
    {
        var options = _file!.Options.History;
        var memory = _engine!.Context.Memory;
        using (_engine.NoGrad())
        using (_engine.BeginStep())
        {
            memory.StartWindow();
            long before = memory.LiveOf(BufferKind.Workspace);
            var window = _engine.NewTensor(new Shape(1, options.Window, options.Samples));
            history.ReadWindow(window);
            double logit = _predictor!.Call(window).Item();
            MeasureMemory(memory.WindowPeakOf(BufferKind.Workspace) - before);
            return 1 / (1 + Math.Exp(-logit));
        }
    }

    private void Release()
    {
        _histories?.Dispose();
        _predictor?.Dispose();
        _engine?.Dispose();
        (_histories, _predictor, _engine) = (null, null, null);
        _votes.Clear();
    }

    private void MeasureMemory(long workspace) =>
        _peakBytes = Math.Max(_peakBytes, workspace + _histories!.Bytes + _predictor!.Parameters().Sum(p => p.Value.Buffer.Bytes));
}

/// <summary>Makes <see cref="SmartFrzPolicy"/>.</summary>
public sealed class SmartFrzPolicyFactory : FreezePolicyFactory<SmartFrzPolicyOptions>
{
    /// <inheritdoc/>
    public override string Name => "smartfrz";

    /// <inheritdoc/>
    public override string Description => "an attention predictor reads each layer's recent weights (arXiv 2401.16720)";

    /// <inheritdoc/>
    protected override FreezePolicy Create(SmartFrzPolicyOptions options) => new SmartFrzPolicy(options);
}
