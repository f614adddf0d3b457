using BenchmarkDotNet.Attributes;

namespace SmartFrz.Bench.Kernels;

/// <summary>Kernels by themselves, one case after another.</summary>
public class KernelBenchmarks
{
    private IDisposable? _work;
    private Action _run = () => { };

    /// <summary>The cases that were asked for; set before the benchmarks start, in whose process they run.</summary>
    internal static IReadOnlyList<KernelCase> Asked { get; set; } = [];

    /// <summary>The cases as BenchmarkDotNet reads them.</summary>
    public IEnumerable<object> Cases => Asked;

    /// <summary>The case.</summary>
    [ParamsSource(nameof(Cases))]
    public object? Kernel { get; set; }

    /// <summary>Takes the memory and fills it.</summary>
    [GlobalSetup]
    public void SetUp() => _work = ((KernelCase)Kernel!).SetUp(out _run);

    /// <summary>The kernel.</summary>
    [Benchmark]
    public void Run() => _run();

    /// <summary>Gives the memory back.</summary>
    [GlobalCleanup]
    public void CleanUp() => _work?.Dispose();
}
