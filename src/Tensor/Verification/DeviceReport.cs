using SmartFrz.Kernels;

namespace SmartFrz.Tensors.Verification;

/// <summary>One comparison of a device with its reference.</summary>
/// <param name="Case">The operation or kernel and its sizes.</param>
/// <param name="What">What was compared: <c>forward</c>, <c>gradient 0</c>, …, <c>gradient 0 alone</c>, <c>gradient 0 of 0, 2</c>, …, <c>kernel</c>.</param>
/// <param name="Kernels">The kernels that took part and that no earlier comparison of the case has seen.</param>
/// <param name="Error">The largest difference as a share of the largest number; infinite where nothing could be compared.</param>
/// <param name="Tolerance">The largest error allowed.</param>
/// <param name="Failure">What went wrong beside a difference: a broken contract of memory or ledger, an exception; empty for nothing.</param>
public sealed record DeviceComparison(string Case, string What, IReadOnlyList<string> Kernels, double Error, double Tolerance, string Failure = "")
{
    /// <summary>Whether it is as it should be.</summary>
    public bool Passed => Failure.Length == 0 && Error <= Tolerance;
}

/// <summary>What is known of one kernel on a device.</summary>
/// <param name="Kernel">Its name, as ledgers show it.</param>
/// <param name="Comparisons">How many comparisons it took part in; 0 when it was not run.</param>
/// <param name="Failed">How many of them failed.</param>
/// <param name="WorstError">The largest error over its tolerance; null when it was not run.</param>
public sealed record KernelVerdict(string Kernel, int Comparisons, int Failed, double? WorstError);

/// <summary>The outcome of <see cref="DeviceCheck"/>.</summary>
/// <param name="Reference">What the device was compared with.</param>
/// <param name="Comparisons">Everything that was compared.</param>
/// <param name="SkippedCases">Cases that were not run, because they were not asked for or are too large for the emulator.</param>
public sealed record DeviceReport(string Reference, IReadOnlyList<DeviceComparison> Comparisons, IReadOnlyList<string> SkippedCases)
{
    /// <summary>Whether nothing failed.</summary>
    public bool Passed => Comparisons.All(c => c.Passed);

    /// <summary>Every kernel of the library, those that were not run too, by name.</summary>
    public IReadOnlyList<KernelVerdict> Kernels { get; } = [.. KernelNames.All().Select(name => Verdict(name, Comparisons))];

    private static KernelVerdict Verdict(string name, IReadOnlyList<DeviceComparison> comparisons)
    {
        var own = comparisons.Where(c => c.Kernels.Contains(name)).ToList();
        return new KernelVerdict(name, own.Count, own.Count(c => !c.Passed), own.Count == 0 ? null : own.Max(c => c.Error / c.Tolerance));
    }
}
