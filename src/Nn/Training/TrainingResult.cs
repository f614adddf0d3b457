using SmartFrz.Kernels;

namespace SmartFrz.Nn;

/// <summary>How a training run ended. What happened before a resume is included.</summary>
public sealed record TrainingResult
{
    /// <summary>Whether it was interrupted before its last step or last evaluation.</summary>
    public required bool Interrupted { get; init; }

    /// <summary>Steps finished.</summary>
    public required long Steps { get; init; }

    /// <summary>Epochs finished, their evaluation included.</summary>
    public required int Epochs { get; init; }

    /// <summary>The mean training loss of the last epoch begun.</summary>
    public required double TrainLoss { get; init; }

    /// <summary>The last evaluation.</summary>
    public required EvaluationResult? Last { get; init; }

    /// <summary>The best evaluation by accuracy; of equals the first.</summary>
    public required EvaluationResult? Best { get; init; }

    /// <summary>Every finished epoch.</summary>
    public required IReadOnlyList<EpochRecord> History { get; init; }

    /// <summary>Seconds in training steps and callbacks, without evaluation and checkpoints.</summary>
    public required double TrainSeconds { get; init; }

    /// <summary>Seconds from the start to the end, evaluation and checkpoints included.</summary>
    public required double WallSeconds { get; init; }

    /// <summary>Launches, FLOPs, bytes and seconds by phase, without evaluation.</summary>
    public required TrainingCosts Costs { get; init; }

    /// <summary>Memory of the first step.</summary>
    public required StepMemory FirstStep { get; init; }

    /// <summary>Memory of the last step.</summary>
    public required StepMemory LastStep { get; init; }

    /// <summary>The largest number of device bytes alive at once.</summary>
    public required long PeakBytes { get; init; }
}

/// <summary>A finished epoch.</summary>
/// <param name="Epoch">Its number, from 1.</param>
/// <param name="Step">Steps finished since the run began.</param>
/// <param name="TrainLoss">The mean training loss over its steps.</param>
/// <param name="TrainAccuracy">The share of correct predictions on its batches, 0..1.</param>
/// <param name="LearningRate">The learning rate of its last step.</param>
/// <param name="FrozenUnits">Units frozen during its last step.</param>
/// <param name="TrainSeconds">Seconds in training steps since the run began.</param>
/// <param name="Test">How the network does on the test set, if that was evaluated.</param>
public sealed record EpochRecord(
    int Epoch, long Step, double TrainLoss, double TrainAccuracy, float LearningRate, int FrozenUnits, double TrainSeconds, EvaluationResult? Test);

/// <summary>The largest numbers of device bytes of some kinds that were alive at once during a step.</summary>
/// <param name="GradientBytes">Gradients of parameters.</param>
/// <param name="OptimizerBytes">The optimizer's state.</param>
/// <param name="SavedBytes">Activations kept for the backward pass.</param>
public readonly record struct StepMemory(long GradientBytes, long OptimizerBytes, long SavedBytes);

/// <summary>What training cost by phase, without evaluation and checkpoints.</summary>
/// <param name="Phases">The totals, in the order of <see cref="Phase"/>. Those of <see cref="Phase.Data"/> include the waiting for the loader.</param>
/// <param name="Sampled">Whether the seconds are scaled up from some timed steps, because timing means waiting for the device.</param>
public sealed record TrainingCosts(IReadOnlyList<LaunchTotals> Phases, bool Sampled)
{
    /// <summary>The totals of one phase.</summary>
    public LaunchTotals this[Phase phase] => Phases[(int)phase];
}
