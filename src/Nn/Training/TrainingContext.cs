using SmartFrz.Nn.Data;
using SmartFrz.Tensors;

namespace SmartFrz.Nn;

/// <summary>A training run as its callbacks see it.</summary>
public sealed class TrainingContext
{
    internal TrainingContext(Network model, Optimizer optimizer, int stepsPerEpoch, int epochs, IReadOnlyList<EpochRecord>? history = null)
    {
        History = history ?? [];
        Model = model;
        Optimizer = optimizer;
        StepsPerEpoch = stepsPerEpoch;
        Epochs = epochs;
    }

    /// <summary>The network in training.</summary>
    public Network Model { get; }

    /// <summary>Its optimizer.</summary>
    public Optimizer Optimizer { get; }

    /// <summary>Its engine.</summary>
    public Engine Engine => Model.Engine;

    /// <summary>Steps of an epoch.</summary>
    public int StepsPerEpoch { get; }

    /// <summary>Batches whose gradients make a step.</summary>
    public int BatchesPerStep { get; init; } = 1;

    /// <summary>Elements of the first input in the current or last step: how large its batches were.</summary>
    public long StepElements { get; internal set; }

    /// <summary>Epochs of the run.</summary>
    public int Epochs { get; }

    /// <summary>Steps of the run.</summary>
    public long TotalSteps => (long)StepsPerEpoch * Epochs;

    /// <summary>Steps finished since the run began (also before a resume).</summary>
    public long Step { get; internal set; }

    /// <summary>Epochs finished.</summary>
    public int Epoch { get; internal set; }

    /// <summary>Steps finished as epochs with a fraction.</summary>
    public double EpochFraction => StepsPerEpoch == 0 ? 0 : (double)Step / StepsPerEpoch;

    /// <summary>The learning rate of the current or last step.</summary>
    public float LearningRate { get; internal set; }

    /// <summary>The mean training loss since the epoch began, as of the last time it was read from the device; NaN before.</summary>
    public double TrainLoss { get; internal set; } = double.NaN;

    /// <summary>The share of correct predictions on training batches since the epoch began, as of the same moment; NaN before.</summary>
    public double TrainAccuracy { get; internal set; } = double.NaN;

    /// <summary>The last report on the loss, made at logging intervals and epoch ends.</summary>
    public StepReport? LastReport { get; internal set; }

    /// <summary>Seconds spent in training so far, without evaluation, as of the last report.</summary>
    public double TrainSeconds { get; internal set; }

    /// <summary>Seconds to the end of the run, evaluations included, by the pace of the recent steps.</summary>
    public double SecondsLeft { get; internal set; } = double.NaN;

    /// <summary>The result of the last evaluation, if there was one.</summary>
    public EvaluationResult? LastEvaluation { get; internal set; }

    /// <summary>Every finished epoch.</summary>
    public IReadOnlyList<EpochRecord> History { get; }

    /// <summary>What is frozen.</summary>
    public FreezeState FreezeState { get; private set; } = FreezeState.Empty;

    /// <summary>The units in forward order that are not frozen, without the head.</summary>
    public IEnumerable<FreezableUnit> ActiveUnits =>
        Model.Units.Where(u => !u.IsHead && !IsFrozen(u));

    /// <summary>How many units are frozen.</summary>
    public int FrozenUnits => Model.Units.Count(IsFrozen);

    /// <summary>Whether all parameters of a unit are frozen.</summary>
    public bool IsFrozen(FreezableUnit unit) => unit.Prefixes.All(p => FreezeState.IsFrozen(p));

    /// <summary>
    /// Replaces the freeze state and writes it into the network and the optimizer. Called by the freezer and by a restored
    /// checkpoint alone.
    /// </summary>
    /// <param name="state">The new state.</param>
    /// <param name="keepOptimizerState">Whether the optimizer keeps what it knows of frozen parameters, because they may thaw.</param>
    internal void SetFreezeState(FreezeState state, bool keepOptimizerState)
    {
        FreezeState = state;
        state.WriteTo(Model);
        if (!keepOptimizerState)
        {
            foreach (var parameter in Model.Parameters().Where(p => p.IsFrozen))
            {
                Optimizer.ReleaseState(parameter);
            }
        }
    }
}

/// <summary>How a network does on a data set.</summary>
/// <param name="Accuracy">The share of correct predictions, 0..1.</param>
/// <param name="Loss">The mean cross-entropy.</param>
/// <param name="Correct">Correct predictions.</param>
/// <param name="Total">Examples.</param>
public sealed record EvaluationResult(double Accuracy, double Loss, long Correct, long Total)
{
    /// <summary>The Matthews correlation, where answers were counted by class.</summary>
    public double? Mcc { get; init; }

    /// <summary>The F1 of class 1, where answers were counted by class.</summary>
    public double? F1 { get; init; }

    /// <summary>The figure of a task; accuracy where that figure was not counted.</summary>
    public double By(TaskMetric metric) => metric switch
    {
        TaskMetric.Mcc => Mcc ?? Accuracy,
        TaskMetric.F1 => F1 ?? Accuracy,
        _ => Accuracy,
    };
}
