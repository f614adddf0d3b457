using SmartFrz.Kernels;

namespace SmartFrz.Cases;

/// <summary>Fills, long sums in two passes, and norms of several buffers.</summary>
public sealed class ReductionCases : IKernelCases
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
            };
        }

        yield return new KernelCase
        {
            Name = "norm of two buffers, one of them in pieces",
            Run = bench =>
            {
                const int Short = 11, Long = 20_011;
                int first = SquaredNormKernel.Slots(Short), all = first + SquaredNormKernel.Slots(Long);
                var (slots, y) = (bench.Rent(all * sizeof(double)), bench.Output(1));
                bench.Launch(new SquaredNormKernel(bench.Uniform(Short, 1), Short, slots, 0));
                bench.Launch(new SquaredNormKernel(bench.Uniform(Long, 2), Long, slots, first));
                bench.Launch(new NormKernel(slots, all, y));
                return bench.Read<float>(y, 1);
            },
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
        };
    }
}
