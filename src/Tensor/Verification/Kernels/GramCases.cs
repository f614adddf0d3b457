using SmartFrz.Kernels;

namespace SmartFrz.Tensors.Verification;

/// <summary>Symmetric products.</summary>
internal sealed class GramCases : IKernelCases
{
    private const ulong Stream = 11;

    /// <inheritdoc/>
    public IEnumerable<KernelCase> Cases()
    {
        // Below, at and beyond the tiles' rows and columns; more terms than are summed in one round of registers.
        foreach (var (n, k) in new[] { (1, 1), (5, 3), (13, 40), (37, 300), (70, 17), (129, 5) })
        {
            yield return new KernelCase
            {
                Name = $"gram ({n},{k})",
                Run = bench =>
                {
                    var g = bench.Output(n * n);
                    bench.Launch(new GramKernel(n, k, bench.Uniform(n * k, Stream), g));
                    return bench.Read<float>(g, n * n);
                },
                Reference = () => Reference(n, k),
            };
        }
    }

    private static double[] Reference(int n, int k)
    {
        double[] x = KernelBench.Doubles(n * k, Stream), g = new double[n * n];
        for (int at = 0; at < g.Length; at++)
        {
            int i = at / n, j = at % n;
            g[at] = Enumerable.Range(0, k).Sum(t => x[(i * k) + t] * x[(j * k) + t]);
        }

        return g;
    }
}
