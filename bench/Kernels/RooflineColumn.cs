using System.Globalization;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using SmartFrz.Kernels;

namespace SmartFrz.Bench.Kernels;

/// <summary>A column made of what a kernel must do, its median time and the machine's measured peaks.</summary>
/// <param name="name">The head of the column.</param>
/// <param name="legend">What it says.</param>
/// <param name="value">The number, from the cost, the seconds and the peaks of the case's threads.</param>
/// <param name="peaks">The peaks by number of threads.</param>
internal sealed class RooflineColumn(
    string name, string legend, Func<KernelCost, double, MachinePeaks, double> value, IReadOnlyDictionary<int, MachinePeaks> peaks) : IColumn
{
    /// <inheritdoc/>
    public string Id => $"Roofline.{name}";

    /// <inheritdoc/>
    public string ColumnName => name;

    /// <inheritdoc/>
    public string Legend => legend;

    /// <inheritdoc/>
    public bool AlwaysShow => true;

    /// <inheritdoc/>
    public ColumnCategory Category => ColumnCategory.Custom;

    /// <inheritdoc/>
    public int PriorityInCategory => 0;

    /// <inheritdoc/>
    public bool IsNumeric => true;

    /// <inheritdoc/>
    public UnitType UnitType => UnitType.Dimensionless;

    /// <summary>The columns: speed, bandwidth, and the share of what the roofline allows.</summary>
    public static IColumn[] All(IReadOnlyDictionary<int, MachinePeaks> peaks) =>
    [
        new RooflineColumn("GFLOP/s", "10^9 floating-point operations in a second", static (c, s, _) => c.Flops / s / 1e9, peaks),
        new RooflineColumn("GB/s", "10^9 bytes that must move, in a second", static (c, s, _) => c.Bytes / s / 1e9, peaks),
        new RooflineColumn("FLOP/byte", "Operations for each byte that must move", static (c, _, _) => (double)c.Flops / c.Bytes, peaks),
        new RooflineColumn(
            "% of roof",
            "Share of what this machine's measured multiply-adds and copies allow; above 100 where the operands stay in a cache",
            static (c, s, p) => 100 * Math.Max(c.Flops / (p.Gflops * 1e9), c.Bytes / (p.CopyGbs * 1e9)) / s,
            peaks),
    ];

    /// <inheritdoc/>
    public string GetValue(Summary summary, BenchmarkCase benchmarkCase)
    {
        var kernel = (KernelCase)benchmarkCase.Parameters[nameof(KernelBenchmarks.Kernel)];
        return summary[benchmarkCase]?.ResultStatistics is { } statistics
            ? value(kernel.Cost, statistics.Median / 1e9, peaks[kernel.Threads]).ToString("0.0", CultureInfo.InvariantCulture)
            : "?";
    }

    /// <inheritdoc/>
    public string GetValue(Summary summary, BenchmarkCase benchmarkCase, SummaryStyle style) => GetValue(summary, benchmarkCase);

    /// <inheritdoc/>
    public bool IsDefault(Summary summary, BenchmarkCase benchmarkCase) => false;

    /// <inheritdoc/>
    public bool IsAvailable(Summary summary) => true;
}
