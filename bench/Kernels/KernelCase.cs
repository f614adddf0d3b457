using System.Text.RegularExpressions;
using SmartFrz.Bench.Pairs;
using SmartFrz.Kernels;
using SmartFrz.Kernels.Cpu;
using SmartFrz.Nn.Options;

namespace SmartFrz.Bench.Kernels;

/// <summary>A pass of a kernel with its size, as a parameter of a benchmark: set up when it is its turn, so that one case's memory is alive at a time.</summary>
internal sealed class KernelCase(PairCase pair, string part, int threads, CpuIsa isa)
{
    /// <summary>What it must compute and move; known once it was set up.</summary>
    public KernelCost Cost { get; private set; }

    /// <summary>The threads it runs on.</summary>
    public int Threads => threads;

    /// <summary>The cases of the lists that a pattern finds, and their passes.</summary>
    public static IReadOnlyList<KernelCase> Of(IEnumerable<string> lists, Regex only, IReadOnlyList<int> threads, CpuIsa isa)
    {
        var cases = new List<KernelCase>();
        foreach (var pair in lists.SelectMany(PairCase.Read).Where(c => only.IsMatch(c.Name)))
        {
            using var cpu = new CpuDevice(1, isa);
            using var work = Create(pair, cpu);

            // A step or a block is no kernel: nobody has counted its bytes.
            foreach (var part in work.Parts.Where(p => p.Cost.Bytes > 0))
            {
                cases.AddRange(threads.Select(t => new KernelCase(pair, part.Name, t, isa)));
            }
        }

        return cases;
    }

    /// <summary>Sets the work up.</summary>
    /// <param name="run">Does it once.</param>
    /// <returns>What to dispose when it is done.</returns>
    public IDisposable SetUp(out Action run)
    {
        var cpu = new CpuDevice(threads, isa);
        var work = Create(pair, cpu);
        var timed = work.Parts.Single(p => p.Name == part);
        run = timed.Run;
        Cost = timed.Cost;
        return new Both(work, cpu);
    }

    /// <inheritdoc/>
    public override string ToString() => FormattableString.Invariant($"{pair.Kind} {pair.Name} {part}, {threads} thr");

    private static Work Create(PairCase pair, CpuDevice cpu) => OptionBinder.Find("work", pair.Kind, IWorkKind.All()).Create(cpu, pair.Settings);

    private sealed record Both(Work Work, CpuDevice Cpu) : IDisposable
    {
        public void Dispose()
        {
            Work.Dispose();
            Cpu.Dispose();
        }
    }
}
