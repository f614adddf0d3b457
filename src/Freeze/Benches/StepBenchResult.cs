namespace SmartFrz.Freeze;

/// <summary>What <see cref="StepBench"/> has measured.</summary>
public sealed record StepBenchResult
{
    /// <summary>The network.</summary>
    public required string Model { get; init; }

    /// <summary>The shape of the batch, (N,C,H,W).</summary>
    public required IReadOnlyList<int> Input { get; init; }

    /// <summary>Where it ran.</summary>
    public required DeviceSummary Device { get; init; }

    /// <summary>Measured steps of each row.</summary>
    public required int Steps { get; init; }

    /// <summary>Steps of each row before them.</summary>
    public required int WarmUp { get; init; }

    /// <summary>A row for each share of frozen units.</summary>
    public required IReadOnlyList<StepBenchRow> Rows { get; init; }
}

/// <summary>Training steps with a frozen prefix.</summary>
public sealed record StepBenchRow
{
    /// <summary>The share of frozen units that was asked for, in percent.</summary>
    public required double Frozen { get; init; }

    /// <summary>The number of frozen units: the share times all units, halves to even.</summary>
    public required int K { get; init; }

    /// <summary>All units.</summary>
    public required int Units { get; init; }

    /// <summary>The median of a step's wall milliseconds.</summary>
    public required double MedianMs { get; init; }

    /// <summary>The least of them.</summary>
    public required double MinMs { get; init; }

    /// <summary>The median of a step's processor milliseconds, all threads of the process.</summary>
    public required double CpuMs { get; init; }

    /// <summary>The most device memory alive in a step.</summary>
    public required long PeakBytes { get; init; }

    /// <summary>The step's FLOPs over those of an unfrozen step.</summary>
    public required double FlopIdeal { get; init; }

    /// <summary>
    /// The step's time over an unfrozen one's as it should be: the timed kernels of the unfrozen step without those that the plan skips,
    /// over all of them.
    /// </summary>
    public required double LedgerIdeal { get; init; }

    /// <summary>The same as measured: the median over that of the unfrozen step.</summary>
    public required double Measured { get; init; }

    /// <summary>Freezing efficiency: <see cref="LedgerIdeal"/> over <see cref="Measured"/>; 1 when nothing is lost.</summary>
    public required double Efficiency { get; init; }

    /// <summary>Milliseconds of the step's kernels, each timed by itself.</summary>
    public required double KernelMs { get; init; }

    /// <summary>The median of the managed bytes that a step allocates, on all threads.</summary>
    public required long ManagedBytes { get; init; }
}
