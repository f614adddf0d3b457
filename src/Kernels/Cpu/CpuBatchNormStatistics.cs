using System.Runtime.CompilerServices;

namespace SmartFrz.Kernels.Cpu;

/// <summary>The CPU body of <see cref="BatchNormStatisticsKernel"/>.</summary>
/// <remarks>
/// The work is cut into (block of samples, channel), or (block of samples, strip of columns) where planes are smaller than a vector;
/// each leaves its moments in a place of its own, which are merged in that order. The cut does not depend on the number of threads.
/// </remarks>
internal static unsafe class CpuBatchNormStatistics
{
    public struct Results
    {
        public float* Mean, Rstd, RunningMean, RunningVariance;
        public float Momentum, Eps;
    }

    public static void Run(CpuContext cpu, BatchNormShape shape, float* x, CpuMoments* partials)
    {
        var pass = new Pass { Pool = cpu.Pool, Cut = CpuBatchNormCut.Of(shape), X = x, Moments = partials };
        cpu.Isa.Run(ref pass);
    }

    /// <summary>The body of <see cref="BatchNormFinishStatisticsKernel"/>.</summary>
    public static void Finish(BatchNormShape shape, CpuMoments* partials, Results r)
    {
        var cut = CpuBatchNormCut.Of(shape);
        int width = cut.ColumnsPerChannel;
        for (int c = 0; c < shape.C; c++)
        {
            var all = default(CpuMoments);
            for (int block = 0; block < cut.Blocks; block++)
            {
                for (int column = c * width; column < (c + 1) * width; column++)
                {
                    all.Merge(partials[(block * cut.Columns) + column]);
                }
            }

            float mean = (float)all.Mean;
            r.Mean[c] = mean;
            r.Rstd[c] = 1f / MathF.Sqrt((float)(all.SquaredDeviations / all.Count) + r.Eps);
            r.RunningMean[c] = ((1f - r.Momentum) * r.RunningMean[c]) + (r.Momentum * mean);
            r.RunningVariance[c] = ((1f - r.Momentum) * r.RunningVariance[c]) + (r.Momentum * (float)(all.SquaredDeviations / (all.Count - 1)));
        }
    }

    private struct Pass : ISimdAction
    {
        public CpuPool Pool;
        public CpuBatchNormCut Cut;
        public float* X;
        public CpuMoments* Moments;

        public readonly void Run<S, V>()
            where S : struct, ISimd<V>
            where V : unmanaged
        {
            var body = new Body<S, V> { Cut = Cut, X = X, Moments = Moments };
            Pool.For(Cut.Items(S.Width), Cut.Grain(S.Width), ref body);
        }
    }

    private struct Body<S, V> : IParallelBody
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        // Elements added in single precision before the sum goes on in double: at most some 100 in one lane.
        private const int ChunkElements = 2048, ChunkRows = 128;

        public CpuBatchNormCut Cut;
        public float* X;
        public CpuMoments* Moments;

        [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
        public readonly void Run(int begin, int end, int worker)
        {
            for (int item = begin; item < end; item++)
            {
                var (block, part) = Cut.Item(item, S.Width);
                if (Cut.ByColumns)
                {
                    Strip(block, part);
                }
                else
                {
                    Moments[(block * Cut.Columns) + part] = Channel(block, part);
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly CpuMoments Channel(int block, int c)
        {
            var shape = Cut.Shape;
            int last = Cut.FirstSample(block + 1), samples = Math.Max(1, ChunkElements / shape.Plane);
            var total = default(CpuMoments);
            for (int n = Cut.FirstSample(block); n < last; n += samples)
            {
                int planes = Math.Min(samples, last - n);
                float* x = X + ((((long)n * shape.C) + c) * shape.Plane);
                for (int from = 0; from < shape.Plane; from += ChunkElements)
                {
                    int length = Math.Min(ChunkElements, shape.Plane - from);
                    double count = (double)planes * length;
                    Sums(x + from, planes, length, total.Count == 0 ? FirstShift(x + from, length) : (float)total.Mean, out float shift, out double sum, out double squares);
                    total.Add(count, shift, sum, squares);
                }
            }

            return total;
        }

        // Any number near the data does; the mean of the first few is near enough.
        private static float FirstShift(float* x, int length)
        {
            float sum = 0;
            int n = Math.Min(length, 16);
            for (int i = 0; i < n; i++)
            {
                sum += x[i];
            }

            return sum / n;
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly void Sums(float* x, int planes, int length, float near, out float shift, out double sum, out double squares)
        {
            // A shift that is not finite would hide where in the data the infinity stands.
            shift = float.IsFinite(near) ? near : 0f;
            V k = S.Set(shift), s0 = S.Zero, s1 = S.Zero, q0 = S.Zero, q1 = S.Zero;
            long step = (long)Cut.Shape.C * Cut.Shape.Plane;
            for (int p = 0; p < planes; p++, x += step)
            {
                int i = 0;
                for (; i + (2 * S.Width) <= length; i += 2 * S.Width)
                {
                    V d0 = S.Sub(S.Load(x + i), k), d1 = S.Sub(S.Load(x + i + S.Width), k);
                    s0 = S.Add(s0, d0);
                    s1 = S.Add(s1, d1);
                    q0 = S.Fma(d0, d0, q0);
                    q1 = S.Fma(d1, d1, q1);
                }

                for (; i < length; i += S.Width)
                {
                    V d = S.Sub(i + S.Width <= length ? S.Load(x + i) : SimdPart.Load<S, V>(x + i, length - i, shift), k);
                    s0 = S.Add(s0, d);
                    q0 = S.Fma(d, d, q0);
                }
            }

            sum = (double)S.Sum(s0) + S.Sum(s1);
            squares = (double)S.Sum(q0) + S.Sum(q1);
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly void Strip(int block, int strip)
        {
            int row = Cut.Shape.Row, column = strip * S.Width, lanes = Math.Min(S.Width, row - column);
            var total = Moments + (block * Cut.Columns) + column;
            float* shift = stackalloc float[S.Width];
            float* sums = stackalloc float[S.Width];
            float* squares = stackalloc float[S.Width];
            for (int lane = 0; lane < S.Width; lane++)
            {
                shift[lane] = 0;
                if (lane < lanes)
                {
                    total[lane] = default;
                    shift[lane] = X[((long)Cut.FirstSample(block) * row) + column + lane];
                }
            }

            int last = Cut.FirstSample(block + 1);
            for (int n = Cut.FirstSample(block); n < last; n += ChunkRows)
            {
                int stop = Math.Min(last, n + ChunkRows);
                for (int lane = 0; lane < S.Width; lane++)
                {
                    shift[lane] = float.IsFinite(shift[lane]) ? shift[lane] : 0f;
                }

                V k = S.Load(shift), s = S.Zero, q = S.Zero;
                for (int m = n; m < stop; m++)
                {
                    float* x = X + ((long)m * row) + column;
                    V d = S.Sub(lanes == S.Width ? S.Load(x) : SimdPart.Load<S, V>(x, lanes, 0f), k);
                    s = S.Add(s, d);
                    q = S.Fma(d, d, q);
                }

                S.Store(sums, s);
                S.Store(squares, q);
                for (int lane = 0; lane < lanes; lane++)
                {
                    total[lane].Add(stop - n, shift[lane], sums[lane], squares[lane]);
                    shift[lane] = (float)total[lane].Mean;
                }
            }
        }
    }
}
