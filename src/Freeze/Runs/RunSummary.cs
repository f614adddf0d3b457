using System.Text.Json.Serialization;
using SmartFrz.Kernels;
using SmartFrz.Nn;

namespace SmartFrz.Freeze;

/// <summary>The outcome of a run, as in <c>summary.json</c>. Fractions are 0..1, times seconds, sizes bytes; a multiply-add counts as 2 FLOPs.</summary>
public sealed record RunSummary
{
    /// <summary>The version of this format.</summary>
    public int Schema { get; init; } = 1;

    /// <summary>The command that made it.</summary>
    public string Command { get; init; } = "train";

    /// <summary>The network.</summary>
    public required string Model { get; init; }

    /// <summary>The data.</summary>
    public required string Data { get; init; }

    /// <summary>The policy.</summary>
    public required string Policy { get; init; }

    /// <summary>The seed.</summary>
    public required ulong Seed { get; init; }

    /// <summary>The precision of the arithmetic.</summary>
    public required string Precision { get; init; }

    /// <summary>Where it ran.</summary>
    public required DeviceSummary Device { get; init; }

    /// <summary>Epochs finished.</summary>
    public required int Epochs { get; init; }

    /// <summary>Steps finished.</summary>
    public required long Steps { get; init; }

    /// <summary>The share of test examples that are right at the end.</summary>
    public double? TestAccuracy { get; init; }

    /// <summary>The same at the best epoch, by the figure of the task.</summary>
    public double? BestTestAccuracy { get; init; }

    /// <summary>Of a task that is judged by it, the Matthews correlation on the test examples at the end.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? Mcc { get; init; }

    /// <summary>Of a task that is judged by it, the F1 of class 1 on the test examples at the end.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? F1 { get; init; }

    /// <summary>The mean training loss of the last epoch.</summary>
    public double? TrainLoss { get; init; }

    /// <summary>From the first step to the end, evaluation and files included.</summary>
    public required double WallSeconds { get; init; }

    /// <summary>Training steps alone, the policy's work included.</summary>
    public required double TrainSeconds { get; init; }

    /// <summary>Seconds in kernels by phase.</summary>
    public required PhaseSeconds Seconds { get; init; }

    /// <summary>Whether the seconds by phase are scaled up from sampled steps.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Sampled { get; init; }

    /// <summary>FLOPs by phase.</summary>
    public required PhaseFlops Flops { get; init; }

    /// <summary>Launches by phase.</summary>
    public required PhaseLaunches Launches { get; init; }

    /// <summary>Device memory.</summary>
    public required MemorySummary Memory { get; init; }

    /// <summary>What was frozen, in order.</summary>
    public required IReadOnlyList<FrozenSummary> Frozen { get; init; }

    /// <summary>The predictor's own cost; null when the policy has none.</summary>
    public PredictorSummary? Predictor { get; init; }
}

/// <summary>Where a run ran.</summary>
public sealed record DeviceSummary(string Kind, string Name, int Threads);

/// <summary>Seconds in kernels by phase.</summary>
public sealed record PhaseSeconds(double Forward, double BackwardInput, double BackwardWeight, double Update, double Freeze, double Data);

/// <summary>FLOPs by phase; <c>UnfrozenTotal</c> is what the same steps would have cost without freezing.</summary>
public sealed record PhaseFlops(long Forward, long BackwardInput, long BackwardWeight, long Update, long Freeze, long Total, long UnfrozenTotal)
{
    internal static PhaseFlops Of(Func<Phase, LaunchTotals> totals, long unfrozenTotal)
    {
        long Flops(Phase phase) => totals(phase).Flops;
        var (forward, input, weight, update, freeze) =
            (Flops(Phase.Forward), Flops(Phase.BackwardInput), Flops(Phase.BackwardWeight), Flops(Phase.Update), Flops(Phase.Freeze));
        return new PhaseFlops(forward, input, weight, update, freeze, forward + input + weight + update + freeze, unfrozenTotal);
    }
}

/// <summary>Launches by phase.</summary>
public sealed record PhaseLaunches(long Forward, long BackwardInput, long BackwardWeight, long Update, long Freeze)
{
    internal static PhaseLaunches Of(Func<Phase, LaunchTotals> totals)
    {
        long Launches(Phase phase) => totals(phase).Launches;
        return new PhaseLaunches(
            Launches(Phase.Forward), Launches(Phase.BackwardInput), Launches(Phase.BackwardWeight), Launches(Phase.Update), Launches(Phase.Freeze));
    }
}

/// <summary>Device memory in bytes.</summary>
public sealed record MemorySummary(
    long PeakBytes,
    long GradientBytesFirstStep,
    long GradientBytesLastStep,
    long OptimizerBytesFirstStep,
    long OptimizerBytesLastStep,
    long SavedBytesFirstStep,
    long SavedBytesLastStep)
{
    internal static MemorySummary Of(long peak, StepMemory first, StepMemory last) =>
        new(peak, first.GradientBytes, last.GradientBytes, first.OptimizerBytes, last.OptimizerBytes, first.SavedBytes, last.SavedBytes);
}

/// <summary>A unit that was frozen.</summary>
public sealed record FrozenSummary(string Layer, long Step, double Epoch, string Reason);

/// <summary>What the predictor cost.</summary>
public sealed record PredictorSummary(long Bytes, long Parameters, double Seconds, double ShareOfTrainSeconds);
