using SmartFrz.Kernels.Cpu;
using SmartFrz.Kernels.Cuda;
using SmartFrz.Kernels.Random;

namespace SmartFrz.Kernels.Tests;

/// <summary>Long sums: cut into pieces, accurate, and the same bits for any number of threads.</summary>
public sealed class SumKernelTests
{
    // Rows, columns, and both around a kept axis; the last one of each is cut into pieces.
    private static readonly (int[] Extents, uint Reduced)[] Geometries =
    [
        ([1_000_003], 1),
        ([3, 40_001], 2),
        ([9_973, 10], 1),
        ([1_001, 700], 1),
        ([64, 5, 441], 5),
        ([2, 3_001, 19], 2),
    ];

    public static TheoryData<CpuIsa> Isas => [.. Enum.GetValues<CpuIsa>().Where(isa => isa.IsSupported())];

    [Theory]
    [MemberData(nameof(Isas))]
    public void Sums_of_numbers_of_one_sign_are_within_two_ulp_and_independent_of_threads(CpuIsa isa)
    {
        using var one = new CpuDevice(1, isa);
        using var three = new CpuDevice(3, isa);
        foreach (var (extents, reduced) in Geometries)
        {
            var geometry = ReduceGeometry.Of(extents, reduced);
            float[] x = Numbers((int)geometry.Elements, shift: 1f);
            float[] y = Sum<SumOp>(one, geometry, x);

            Assert.True(y.AsSpan().SequenceEqual(Sum<SumOp>(three, geometry, x)));
            var expected = Reference(geometry, x, v => v);
            for (int k = 0; k < y.Length; k++)
            {
                Assert.True(Math.Abs(y[k] - expected[k]) <= 2.5 * Math.ScaleB(expected[k], -23), $"[{string.Join(',', extents)}]: result {k} is {y[k]:R}, expected {expected[k]:R}");
            }
        }
    }

    [Fact]
    public void The_cuda_kernels_add_pieces_as_the_cpu_kernels_do()
    {
        using var emulated = CudaDevice.OpenEmulated();
        foreach (var (extents, reduced) in new (int[], uint)[] { ([40_009], 1), ([2_003, 10], 1), ([2, 20_011], 2) })
        {
            var geometry = ReduceGeometry.Of(extents, reduced);
            Assert.True(geometry.Pieces > 1);
            float[] x = Numbers((int)geometry.Elements, shift: 0f);
            float[] y = Sum<SumSquaresOp>(emulated, geometry, x);
            var expected = Reference(geometry, x, v => v * v);
            for (int k = 0; k < y.Length; k++)
            {
                Assert.Equal(1.0, y[k] / expected[k], 1e-6);
            }
        }
    }

    [Fact]
    public void The_norm_of_many_buffers_is_taken_together()
    {
        Device[] devices = [new CpuDevice(2), CudaDevice.OpenEmulated()];
        foreach (var device in devices)
        {
            using var context = device.CreateContext();
            int[] counts = [1, 17, 20_011];
            int slots = counts.Sum(SquaredNormKernel.Slots), slot = 0;
            var partials = context.Rent(slots * sizeof(double), BufferKind.Workspace);
            var norm = context.Rent(3 * sizeof(float), BufferKind.Workspace);
            double expected = 0;
            foreach (int count in counts)
            {
                float[] x = Numbers(count, shift: 0.5f);
                expected += x.Sum(v => (double)v * v);
                var buffer = context.Rent(count * sizeof(float), BufferKind.Workspace);
                context.Upload<float>(x, buffer);
                context.Launch(new SquaredNormKernel(buffer, count, partials, slot));
                slot += SquaredNormKernel.Slots(count);
            }

            context.Launch(new NormKernel(partials, slots, norm, index: 2));
            var result = new float[1];
            context.Download(norm, result.AsSpan(), 2);
            Assert.Equal(1.0, result[0] / Math.Sqrt(expected), 1e-6);
        }

        foreach (var device in devices)
        {
            device.Dispose();
        }
    }

    [Fact]
    public void A_reduction_beyond_32_bits_is_refused() =>
        Assert.Throws<NotSupportedException>(() => ReduceGeometry.Of([70_000, 70_000], 1));

    private static float[] Numbers(int count, float shift)
    {
        var random = Philox.Keyed(5, (ulong)count);
        var x = new float[count];
        for (int i = 0; i < count; i++)
        {
            x[i] = random.Uniform((ulong)i) - 0.5f + shift;
        }

        return x;
    }

    private static double[] Reference(in ReduceGeometry geometry, float[] x, Func<double, double> f)
    {
        var y = new double[geometry.Outputs];
        for (int cell = 0; cell < geometry.Cells; cell++)
        {
            for (int t = 0; t < geometry.Terms; t++)
            {
                for (int c = 0; c < geometry.K3; c++)
                {
                    y[(cell * geometry.K3) + c] += f(x[geometry.CellOffset(cell) + geometry.TermOffset(t) + c]);
                }
            }
        }

        return y;
    }

    private static float[] Sum<TOp>(Device device, in ReduceGeometry geometry, float[] x)
        where TOp : unmanaged, ISumOp
    {
        using var context = device.CreateContext();
        var input = context.Rent(x.Length * sizeof(float), BufferKind.Workspace);
        var output = context.Rent(geometry.Outputs * sizeof(float), BufferKind.Workspace);
        context.Upload<float>(x, input);
        if (geometry.Pieces == 1)
        {
            context.Launch(new SumKernel<TOp>(geometry, 1, input, output));
        }
        else
        {
            var partials = context.Rent(SumKernel<TOp>.WorkspaceBytes(geometry), BufferKind.Workspace);
            context.Launch(new SumKernel<TOp>(geometry, 1, input, partials));
            context.Launch(new SumFinishKernel(geometry, 1, partials, output));
        }

        var y = new float[geometry.Outputs];
        context.Download(output, y.AsSpan());
        return y;
    }
}
