using System.Text.Json.Nodes;

namespace SmartFrz.Bench.Pairs;

/// <summary>What a paired bench has measured, as it is written to bench/results.</summary>
internal sealed record PairResult
{
    public int Schema { get; init; } = 1;

    public required string What { get; init; }

    public required string Command { get; init; }

    public required string Commit { get; init; }

    public required string Date { get; init; }

    public required string Machine { get; init; }

    public required string Device { get; init; }

    public required JsonObject Peer { get; init; }

    public required int Rounds { get; init; }

    public required IReadOnlyList<PairRow> Rows { get; init; }

    public required IReadOnlyList<PairGroup> Groups { get; init; }
}

/// <summary>A part of a case. Times are milliseconds, medians over the rounds.</summary>
internal sealed record PairRow
{
    public required string Name { get; init; }

    public required string Group { get; init; }

    public required string Part { get; init; }

    public required int Threads { get; init; }

    public required double OursMs { get; init; }

    public required double TheirsMs { get; init; }

    /// <summary>The median over the rounds of our time over theirs in that round.</summary>
    public required double Ratio { get; init; }

    public required double OursCpuMs { get; init; }

    public required double TheirsCpuMs { get; init; }

    public double? Gflops { get; init; }

    public double? GbPerSecond { get; init; }

    public long? OursPeakBytes { get; init; }

    public long? TheirsPeakBytes { get; init; }
}

/// <summary>A group's cases: each counts with all its parts together.</summary>
/// <param name="Group">Its name.</param>
/// <param name="Threads">Threads.</param>
/// <param name="Cases">How many cases.</param>
/// <param name="GeometricMean">The geometric mean of the cases' ratios.</param>
/// <param name="Worst">The largest of them.</param>
/// <param name="WorstCase">Where that is.</param>
internal sealed record PairGroup(string Group, int Threads, int Cases, double GeometricMean, double Worst, string WorstCase);
