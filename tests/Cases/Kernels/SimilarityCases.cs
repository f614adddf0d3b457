using SmartFrz.Kernels;

namespace SmartFrz.Cases;

/// <summary>The kernels of centred kernel alignment.</summary>
public sealed class SimilarityCases : IKernelCases
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
        };
    }
}
