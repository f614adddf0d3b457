using SmartFrz.Kernels;

namespace SmartFrz.Tensors.Verification;

/// <summary>Fills, long sums in two passes, and norms of several buffers.</summary>
internal sealed class ReductionCases : IKernelCases
{
    /// <inheritdoc/>
    public IEnumerable<KernelCase> Cases()
    {
        foreach (int count in new[] { 1, 37 })
        {
            yield return new KernelCase
            {
                Name = $"fill {count}",
                Run = bench =>
                {
                    var y = bench.Output(count);
                    bench.Launch(new FillKernel(y, 2.5f, count));
                    return bench.Read<float>(y, count);
                },
                Reference = () => [.. Enumerable.Repeat(2.5, count)],
            };
        }

        const int Short = 11, Long = 20_011;
        yield return new KernelCase
        {
            Name = "norm of two buffers, one of them in pieces",
            Run = bench =>
            {
                int first = SquaredNormKernel.Slots(Short), all = first + SquaredNormKernel.Slots(Long);
                var (slots, y) = (bench.Rent(all * sizeof(double)), bench.Output(1));
                bench.Launch(new SquaredNormKernel(bench.Uniform(Short, 1), Short, slots, 0));
                bench.Launch(new SquaredNormKernel(bench.Uniform(Long, 2), Long, slots, first));
                bench.Launch(new NormKernel(slots, all, y));
                return bench.Read<float>(y, 1);
            },
            Reference = () => [Math.Sqrt(KernelBench.Doubles(Short, 1).Concat(KernelBench.Doubles(Long, 2)).Sum(v => v * v))],
        };
        foreach (float norm in new[] { 0f, 0.5f, 8f, float.PositiveInfinity })
        {
            yield return new KernelCase
            {
                Name = FormattableString.Invariant($"clip scale of norm {norm}"),
                Run = bench =>
                {
                    var y = bench.Upload(3f, 3f);
                    bench.Launch(new ClipScaleKernel(bench.Upload(norm), 2f, y, 1));
                    return bench.Read<float>(y, 2);
                },
                Reference = () => [3, Math.Min(1, 2 / (norm + 1e-6))],
            };
        }

        yield return new KernelCase
        {
            Name = "sum in pieces",
            Run = bench =>
            {
                var geometry = ReduceGeometry.Of([20_011, 3], 1);
                var (partials, y) = (bench.Rent(SumKernel<SumOp>.WorkspaceBytes(geometry)), bench.Uniform(3, 2));
                bench.Launch(new SumKernel<SumOp>(geometry, 1, bench.Uniform(60_033, 1), partials));
                bench.Launch(new SumFinishKernel(geometry, 0.5, partials, y, accumulate: true));
                return bench.Read<float>(y, 3);
            },
            Reference = () => [.. KernelBench.Doubles(3, 2).Select((before, c) => before + (0.5 * KernelBench.Doubles(60_033, 1).Where((_, i) => i % 3 == c).Sum()))],
        };
    }
}
