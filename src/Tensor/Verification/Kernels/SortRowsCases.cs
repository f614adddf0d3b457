using SmartFrz.Kernels;

namespace SmartFrz.Tensors.Verification;

/// <summary>Rows sorted in place.</summary>
internal sealed class SortRowsCases : IKernelCases
{
    private const ulong Stream = 4;

    /// <inheritdoc/>
    public IEnumerable<KernelCase> Cases()
    {
        foreach (var (rows, columns) in new[] { (1, 1), (2, 2), (3, 5), (1, 16), (2, 37), (3, 64), (0, 4), (4, 0) })
        {
            yield return new KernelCase
            {
                Name = $"sort ({rows},{columns})",
                Run = bench => Sort(bench, rows, columns),
                Reference = () => Sorted(rows, columns),

                // Numbers are moved, not changed.
                Tolerance = 1e-12,
            };
        }
    }

    private static float[] Sort(KernelBench bench, int rows, int columns)
    {
        var x = bench.Uniform(rows * columns, Stream);
        bench.Launch(new SortRowsKernel(x, rows, columns));
        return bench.Read<float>(x, rows * columns);
    }

    private static double[] Sorted(int rows, int columns)
    {
        double[] values = KernelBench.Doubles(rows * columns, Stream);
        return [.. Enumerable.Range(0, rows).SelectMany(r => values.Skip(r * columns).Take(columns).Order())];
    }
}
