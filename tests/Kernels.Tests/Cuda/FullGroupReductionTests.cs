using SmartFrz.Kernels.Cpu;
using SmartFrz.Tensors.Verification;

namespace SmartFrz.Kernels.Tests;

/// <summary>Kernels whose threads share memory, with the 256 threads of a group that a GPU gets: their PTX, interpreted.</summary>
public sealed class FullGroupReductionTests
{
    [Fact]
    public void They_compute_what_they_compute_on_the_cpu()
    {
        using var cpu = new CpuDevice(1);
        using var interpreter = new PtxInterpreter();
        using var gpu = interpreter.Open();
        using var expected = new KernelBench(cpu);
        using var actual = new KernelBench(gpu);
        foreach (var run in new Func<KernelBench, float[]>[]
        {
            bench => Sum(bench, [2, 300], 2),
            bench => Sum(bench, [40, 33], 1),
            bench => Sum(bench, [17_000], 1),
            Max,
            Transpose,
            Hsic,
            Median,
        })
        {
            var (e, a) = (run(expected), run(actual));
            Assert.Equal(e.Length, a.Length);
            Assert.All(e.Zip(a), p => Assert.Equal(p.First, p.Second, 1e-6f * Math.Max(1, Math.Abs(p.First))));
        }
    }

    private static float[] Sum(KernelBench bench, int[] extents, uint reduced)
    {
        var geometry = ReduceGeometry.Of(extents, reduced);
        var (x, y) = (bench.Uniform((int)geometry.Elements, 1), bench.Output(geometry.Outputs));
        if (geometry.Pieces == 1)
        {
            bench.Launch(new SumKernel<SumSquaresOp>(geometry, 0.25, x, y));
        }
        else
        {
            var partials = bench.Rent(SumKernel<SumSquaresOp>.WorkspaceBytes(geometry));
            bench.Launch(new SumKernel<SumSquaresOp>(geometry, 0.25, x, partials));
            bench.Launch(new SumFinishKernel(geometry, 0.25, partials, y));
        }

        return bench.Read<float>(y, geometry.Outputs);
    }

    private static float[] Max(KernelBench bench)
    {
        var (y, place) = (bench.Output(1), bench.Upload(-1));
        bench.Launch(new MaxKernel(ReduceGeometry.Of([300], 1), bench.Uniform(300, 2), y, place));
        return [bench.Read<float>(y, 1)[0], bench.Read<int>(place, 1)[0]];
    }

    private static float[] Transpose(KernelBench bench)
    {
        var y = bench.Output(33 * 37);
        bench.Launch(new PermuteKernel([33, 37], [1, 0], bench.Uniform(33 * 37, 3), y));
        return bench.Read<float>(y, 33 * 37);
    }

    private static float[] Hsic(KernelBench bench)
    {
        const int N = 5;
        var (rows, terms) = (bench.Rent(N * HsicRowsKernel.Sums * sizeof(double)), bench.Rent(HsicTermsKernel.Terms * sizeof(double)));
        bench.Launch(new HsicRowsKernel(bench.Uniform(N * N, 4), bench.Uniform(N * N, 5), rows, N, withDiagonal: false));
        bench.Launch(new HsicTermsKernel(rows, terms, N, unbiased: true, accumulate: false));
        return Array.ConvertAll(bench.Read<double>(terms, HsicTermsKernel.Terms), v => (float)v);
    }

    private static float[] Median(KernelBench bench)
    {
        var (x, y) = (bench.Output(300), bench.Output(1));
        bench.Launch(new UnaryKernel<AbsOp>(default, bench.Uniform(300, 6), x, 300));
        bench.Launch(new MedianKernel(x, y, 300));
        return bench.Read<float>(y, 1);
    }
}
