using MathNet.Numerics.Statistics;
using SmartFrz.Kernels;

namespace SmartFrz.Freeze;

/// <summary>The launches of a step and the median time of each over several steps.</summary>
internal sealed class StepKernels
{
    private readonly List<LaunchRecord> _launches;

    private StepKernels(List<LaunchRecord> launches) => _launches = launches;

    public long Flops => _launches.Sum(l => l.Cost.Flops);

    public double Seconds => _launches.Sum(l => l.Seconds);

    /// <summary>From several steps, which all launch the same.</summary>
    public static StepKernels Of(IReadOnlyList<List<LaunchRecord>> steps) =>
        new([.. steps[0].Select((launch, i) => launch with { Seconds = steps.Select(s => s[i].Seconds).Median() })]);

    /// <summary>
    /// The time of these launches as another step's: each costs what the same launch costs there. One that is not there (a frozen batch
    /// normalisation's) costs what it costs here.
    /// </summary>
    public double SecondsBy(StepKernels other)
    {
        var there = other._launches.GroupBy(Identity).ToDictionary(g => g.Key, g => new Queue<double>(g.Select(l => l.Seconds)));
        return _launches.Sum(l => there.TryGetValue(Identity(l), out var same) && same.TryDequeue(out double seconds) ? seconds : l.Seconds);
    }

    // Layers get their numbers in the order in which they are first called, which freezing does not change.
    private static (string Kernel, LayerId Layer, Phase Phase, KernelCost Cost) Identity(LaunchRecord launch) =>
        (launch.Kernel, launch.Layer, launch.Phase, launch.Cost);
}
