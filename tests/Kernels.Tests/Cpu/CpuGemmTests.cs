using CsCheck;
using SmartFrz.Kernels.Cpu;

namespace SmartFrz.Kernels.Tests.Cpu;

public sealed unsafe class CpuGemmTests
{
    private static readonly int[] Sizes = [1, 2, 3, 5, 7, 17, 33];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Odd_sizes_all_transposes(int threads)
    {
        using var pool = new CpuPool(threads);
        foreach (int m in Sizes)
        {
            foreach (int n in Sizes)
            {
                foreach (int k in Sizes)
                {
                    int t = (m + n + k) % 8;
                    Check(pool, new GemmShape(m, n, k, (t & 1) != 0, (t & 2) != 0, (t & 4) != 0));
                    Check(pool, new GemmShape(m, n, k, (t & 1) == 0, (t & 2) != 0, (t & 4) == 0));
                }
            }
        }
    }

    [Theory]
    [InlineData(130, 70, 600)]
    [InlineData(257, 129, 65)]
    [InlineData(64, 520, 256)]
    [InlineData(1, 1000, 333)]
    [InlineData(1000, 1, 333)]
    [InlineData(500, 4, 300)]
    [InlineData(4, 500, 300)]
    public void Sizes_that_are_cut_into_blocks(int m, int n, int k)
    {
        using var pool = new CpuPool(2);
        for (int t = 0; t < 4; t++)
        {
            Check(pool, new GemmShape(m, n, k, (t & 1) != 0, (t & 2) != 0, t == 1));
        }
    }

    [Theory]
    [InlineData(1, 9, 5, 4)]
    [InlineData(6, 33, 16, 64)]
    [InlineData(3, 140, 90, 80)]
    [InlineData(5, 1, 64, 64)]
    [InlineData(5, 64, 1, 64)]
    public void Batches(int batch, int m, int n, int k)
    {
        using var pool = new CpuPool(2);
        for (int t = 0; t < 8; t++)
        {
            bool transA = (t & 1) != 0, transB = (t & 2) != 0;
            Check(pool, new GemmShape(m, n, k, transA, transB, (t & 4) != 0, batch, m * k, k * n, m * n));
            Check(pool, new GemmShape(m, n, k, transA, transB, (t & 4) != 0, batch, m * k, 0, m * n));
            Check(pool, new GemmShape(m, n, k, transA, transB, false, batch, (m * k) + 3, (k * n) + 1, (m * n) + 5));
        }
    }

    [Fact]
    public void A_sum_of_nothing_is_zero()
    {
        using var pool = new CpuPool(2);
        using var c = NativeFloats.Uniform(6, new System.Random(1));
        float[] before = c.Span.ToArray();

        CpuGemm.Run(pool, CpuIsa.Vector128, new GemmShape(2, 3, 0, false, false, true), null, null, c.Pointer);
        Assert.Equal(before, c.Span.ToArray());

        CpuGemm.Run(pool, CpuIsa.Vector128, new GemmShape(2, 3, 0, false, false, false), null, null, c.Pointer);
        Assert.Equal(new float[6], c.Span.ToArray());
    }

    [Fact]
    public void The_same_bits_each_time_with_any_number_of_threads()
    {
        var shape = new GemmShape(190, 170, 700, false, true, false);
        var random = new System.Random(7);
        using var a = NativeFloats.Uniform((long)shape.M * shape.K, random);
        using var b = NativeFloats.Uniform((long)shape.K * shape.N, random);
        using var first = new NativeFloats((long)shape.M * shape.N);
        using var again = new NativeFloats((long)shape.M * shape.N);
        using var one = new CpuPool(1);
        using var two = new CpuPool(2);
        using var three = new CpuPool(3);
        foreach (var isa in CpuTestSettings.Isas)
        {
            CpuGemm.Run(one, isa, shape, a.Pointer, b.Pointer, first.Pointer);
            foreach (var pool in new[] { two, two, three, three })
            {
                CpuGemm.Run(pool, isa, shape, a.Pointer, b.Pointer, again.Pointer);
                Assert.True(first.Span.SequenceEqual(again.Span), $"{isa}: {pool.Threads} threads differ from one");
            }
        }
    }

    [Fact]
    public void Random_shapes()
    {
        using var pool = new CpuPool(2);
        Gen.Select(Gen.Int[1, 80], Gen.Int[1, 80], Gen.Int[1, 300], Gen.Bool, Gen.Bool, Gen.Bool, Gen.Int[1, 3]).Sample(
            (m, n, k, transA, transB, accumulate, batch) =>
            {
                Check(pool, new GemmShape(m, n, k, transA, transB, accumulate, batch, m * k, k * n, m * n));
            },
            iter: 60,
            threads: 1);
    }

    [Fact]
    public void Shape_counts_work_and_bytes()
    {
        var shape = new GemmShape(3, 4, 5, false, false, true, 2, 15, 0, 12);

        Assert.Equal(2 * 2 * 3 * 4 * 5, shape.Flops);
        Assert.Equal(4 * ((2 * 15) + 20 + (2 * 2 * 12)), shape.Bytes);
    }

    private static void Check(CpuPool pool, GemmShape s)
    {
        var random = new System.Random(s.M + (100 * s.N) + (10000 * s.K));
        using var a = NativeFloats.Uniform(((s.Batch - 1) * s.StrideA) + ((long)s.M * s.K), random);
        using var b = NativeFloats.Uniform(((s.Batch - 1) * s.StrideB) + ((long)s.K * s.N), random);
        using var before = NativeFloats.Uniform(((s.Batch - 1) * s.StrideC) + ((long)s.M * s.N), random);
        var exact = new double[before.Count];
        var magnitude = new double[before.Count];
        for (int i = 0; i < exact.Length; i++)
        {
            exact[i] = before.Pointer[i];
            magnitude[i] = Math.Abs(exact[i]);
        }

        nint stepA = s.TransA ? s.M : 1, stepB = s.TransB ? 1 : s.N;
        for (int n = 0; n < s.Batch; n++)
        {
            for (int i = 0; i < s.M; i++)
            {
                for (int j = 0; j < s.N; j++)
                {
                    long at = (n * s.StrideC) + (i * s.N) + j;
                    double sum = s.Accumulate ? exact[at] : 0, size = Math.Abs(sum);
                    float* x = a.Pointer + (n * s.StrideA) + (s.TransA ? i : i * s.K);
                    float* y = b.Pointer + (n * s.StrideB) + (s.TransB ? j * s.K : j);
                    for (int k = 0; k < s.K; k++, x += stepA, y += stepB)
                    {
                        double product = (double)*x * *y;
                        sum += product;
                        size += Math.Abs(product);
                    }

                    exact[at] = sum;
                    magnitude[at] = size;
                }
            }
        }

        foreach (var isa in CpuTestSettings.Isas)
        {
            using var c = before.Copy();
            CpuGemm.Run(pool, isa, s, a.Pointer, b.Pointer, c.Pointer);
            CpuTestSettings.AssertClose(exact, magnitude, s.K, c.Span, $"{isa} {pool.Threads} threads {s}");
            c.AssertGuards();
        }
    }
}
