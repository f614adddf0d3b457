using SmartFrz.Kernels;

namespace SmartFrz.Tensors.Verification;

/// <summary>The kernels of centred kernel alignment.</summary>
internal sealed class SimilarityCases : IKernelCases
{
    /// <inheritdoc/>
    public IEnumerable<KernelCase> Cases()
    {
        foreach (int n in new[] { 4, 19 })
        {
            foreach (bool unbiased in new[] { false, true })
            {
                yield return new KernelCase
                {
                    Name = $"hsic of {n} samples, {(unbiased ? "unbiased" : "biased")}, two batches",
                    Run = bench =>
                    {
                        var (rows, terms) = (bench.Rent(n * HsicRowsKernel.Sums * sizeof(double)), bench.Rent(HsicTermsKernel.Terms * sizeof(double)));
                        for (ulong batch = 0; batch < 2; batch++)
                        {
                            bench.Launch(new HsicRowsKernel(bench.Uniform(n * n, 2 * batch), bench.Uniform(n * n, (2 * batch) + 1), rows, n, !unbiased));
                            bench.Launch(new HsicTermsKernel(rows, terms, n, unbiased, accumulate: batch > 0));
                        }

                        return Array.ConvertAll(bench.Read<double>(terms, HsicTermsKernel.Terms), v => (float)v);
                    },
                    Reference = () => [.. Hsic(n, unbiased, 0).Zip(Hsic(n, unbiased, 2), (a, b) => a + b)],
                };
            }

            yield return new KernelCase
            {
                Name = $"rbf of {n} samples",
                Run = bench =>
                {
                    var (gram, distances, median) = (bench.Output(n * n), bench.Output(n * n), bench.Output(1));
                    var x = bench.Uniform(n * 3, 1);
                    bench.Launch(new GemmKernel(new GemmShape(n, n, 3, false, true, false), x, x, gram));
                    bench.Launch(new PairDistanceKernel(gram, distances, n));
                    bench.Launch(new MedianKernel(distances, median, n * n));
                    bench.Launch(new RbfKernel(distances, median, 0.5f, n * n));
                    return [.. bench.Read<float>(distances, n * n), .. bench.Read<float>(median, 1)];
                },
                Reference = () => Rbf(n),
            };
        }

        yield return new KernelCase
        {
            Name = "scaled exponential",
            Run = bench =>
            {
                var y = bench.Output(37);
                bench.Launch(new UnaryKernel<ScaledExpOp>(new ScaledExpOp(-3f), bench.Uniform(37, 1), y, 37));
                return bench.Read<float>(y, 37);
            },
            Reference = () => [.. KernelBench.Doubles(37, 1).Select(v => Math.Exp(-3 * v))],
        };
    }

    // The terms of K and L, K and K, L and L.
    private static double[] Hsic(int n, bool unbiased, ulong stream)
    {
        var (k, l) = (KernelBench.Doubles(n * n, stream), KernelBench.Doubles(n * n, stream + 1));
        if (unbiased)
        {
            for (int i = 0; i < n; i++)
            {
                (k[(i * n) + i], l[(i * n) + i]) = (0, 0);
            }
        }

        return [Term(k, l), Term(k, k), Term(l, l)];

        double Term(double[] a, double[] b)
        {
            double products = a.Zip(b, (x, y) => x * y).Sum(), totals = a.Sum() * b.Sum();
            double rows = a.Chunk(n).Zip(b.Chunk(n), (x, y) => x.Sum() * y.Sum()).Sum();
            return unbiased
                ? (products + (totals / ((n - 1.0) * (n - 2))) - (2.0 / (n - 2) * rows)) / (n * (n - 3.0))
                : (products - (2.0 / n * rows) + (totals / n / n)) / ((n - 1.0) * (n - 1));
        }
    }

    private static double[] Rbf(int n)
    {
        double[][] x = [.. KernelBench.Doubles(n * 3, 1).Chunk(3)];
        double[] distances = [.. x.SelectMany(a => x.Select(b => a.Zip(b, (p, q) => (p - q) * (p - q)).Sum()))];
        double[] sorted = [.. distances.Order()];
        double median = (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
        return [.. distances.Select(d => Math.Exp(-d / (2 * 0.5 * 0.5 * median))), median];
    }
}
