using System.Runtime.CompilerServices;

namespace SmartFrz.Kernels.Cpu;

/// <summary>The CPU body of <see cref="BatchNormSumsKernel"/>, cut as in <see cref="CpuBatchNormCut"/>.</summary>
internal static unsafe class CpuBatchNormSums
{
    public static void Run(
        CpuContext cpu, BatchNormShape shape, ReluMask relu, float* dy, float* x, float* y, in BatchNormChannels channels, CpuBatchNormPair* partials)
    {
        using var exclusive = cpu.Pool.Exclusive();
        var tables = CpuBatchNormTables.Of(cpu.Pool, shape, channels);
        var pass = new Pass { Pool = cpu.Pool, Cut = CpuBatchNormCut.Of(shape), Tables = tables, Relu = relu, Dy = dy, X = x, Y = y, Partials = partials };
        cpu.Isa.Run(ref pass);
    }

    /// <summary>The body of <see cref="BatchNormFinishSumsKernel"/>.</summary>
    public static void Finish(BatchNormShape shape, CpuBatchNormPair* partials, in BatchNormChannels channels, float* sums, float* products)
    {
        var cut = CpuBatchNormCut.Of(shape);
        float* spread = CpuContext.Floats(channels.Spread);
        for (int c = 0; c < shape.C; c++)
        {
            var total = default(CpuBatchNormPair);
            for (int block = 0; block < cut.Blocks; block++)
            {
                for (int i = c * cut.ColumnsPerChannel; i < (c + 1) * cut.ColumnsPerChannel; i++)
                {
                    total.Add(partials[(block * cut.Columns) + i]);
                }
            }

            sums[c] = (float)total.Sum;
            products[c] = (float)(total.Product * CpuBatchNormTables.Rstd(spread, c, channels));
        }
    }

    private struct Pass : ISimdAction, ICpuReluMasked
    {
        public CpuPool Pool;
        public CpuBatchNormCut Cut;
        public CpuBatchNormTables Tables;
        public ReluMask Relu;
        public float* Dy, X, Y;
        public CpuBatchNormPair* Partials;

        public readonly void Run<S, V>()
            where S : struct, ISimd<V>
            where V : unmanaged
        {
            var pass = this;
            CpuReluMask.Dispatch<S, V, Pass>(Relu, ref pass);
        }

        public readonly void Run<S, V, TRelu>()
            where S : struct, ISimd<V>
            where V : unmanaged
            where TRelu : unmanaged, ICpuReluMask
        {
            var body = new Body<S, V, TRelu> { Cut = Cut, Tables = Tables, Dy = Dy, X = X, Y = Y, Partials = Partials };
            Pool.For(Cut.Items(S.Width), Cut.Grain(S.Width), ref body);
        }
    }

    private struct Body<S, V, TRelu> : IParallelBody
        where S : struct, ISimd<V>
        where V : unmanaged
        where TRelu : unmanaged, ICpuReluMask
    {
        // Elements added in single precision before the sum goes on in double: at most some 100 in one lane.
        private const int ChunkElements = 2048, ChunkRows = 128;

        public CpuBatchNormCut Cut;
        public CpuBatchNormTables Tables;
        public float* Dy, X, Y;
        public CpuBatchNormPair* Partials;

        [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
        public readonly void Run(int begin, int end, int worker)
        {
            for (int item = begin; item < end; item++)
            {
                var (block, part) = Cut.Item(item, S.Width);
                if (Cut.ByColumns)
                {
                    Strip(block, part, Partials + (block * Cut.Columns));
                }
                else
                {
                    Partials[(block * Cut.Columns) + part] = Channel(block, part);
                }
            }
        }

        // The output's gradient where the ReLU let the element through; its distance to the mean.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private readonly V Masked(long i, V mean, V scale, V beta, out V distance)
        {
            distance = S.Sub(S.Load(X + i), mean);
            V g = S.Load(Dy + i);
            return TRelu.From switch
            {
                ReluMask.None => g,
                ReluMask.FromOutput or ReluMask.SixFromOutput => CpuReluMask.Open<S, V, TRelu>(S.Load(Y + i), g),
                _ => CpuReluMask.Open<S, V, TRelu>(S.Fma(distance, scale, beta), g),
            };
        }

        // Lanes beyond the end have no gradient, and so do not count.
        private readonly V MaskedPart(long i, int n, V mean, V scale, V beta, out V distance)
        {
            distance = S.Sub(SimdPart.Load<S, V>(X + i, n, 0f), mean);
            V g = SimdPart.Load<S, V>(Dy + i, n, 0f);
            return TRelu.From switch
            {
                ReluMask.None => g,
                ReluMask.FromOutput or ReluMask.SixFromOutput => CpuReluMask.Open<S, V, TRelu>(SimdPart.Load<S, V>(Y + i, n, 0f), g),
                _ => CpuReluMask.Open<S, V, TRelu>(S.Fma(distance, scale, beta), g),
            };
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly CpuBatchNormPair Channel(int block, int c)
        {
            var shape = Cut.Shape;
            V mean = S.Set(Tables.Mean[c]), scale = S.Set(Tables.Scale[c]), beta = S.Set(Tables.Beta[c]);
            int last = Cut.FirstSample(block + 1), samples = Math.Max(1, ChunkElements / shape.Plane);
            long step = shape.Row;
            var total = default(CpuBatchNormPair);
            for (int n = Cut.FirstSample(block); n < last; n += samples)
            {
                int planes = Math.Min(samples, last - n);
                for (int from = 0; from < shape.Plane; from += ChunkElements)
                {
                    int length = Math.Min(ChunkElements, shape.Plane - from);
                    long at = (n * step) + ((long)c * shape.Plane) + from;
                    V s0 = S.Zero, s1 = S.Zero, p0 = S.Zero, p1 = S.Zero;
                    for (int p = 0; p < planes; p++, at += step)
                    {
                        int i = 0;
                        for (; i + (2 * S.Width) <= length; i += 2 * S.Width)
                        {
                            V g0 = Masked(at + i, mean, scale, beta, out V d0), g1 = Masked(at + i + S.Width, mean, scale, beta, out V d1);
                            s0 = S.Add(s0, g0);
                            s1 = S.Add(s1, g1);
                            p0 = S.Fma(g0, d0, p0);
                            p1 = S.Fma(g1, d1, p1);
                        }

                        for (; i < length; i += S.Width)
                        {
                            V g = i + S.Width <= length ? Masked(at + i, mean, scale, beta, out V d) : MaskedPart(at + i, length - i, mean, scale, beta, out d);
                            s0 = S.Add(s0, g);
                            p0 = S.Fma(g, d, p0);
                        }
                    }

                    total.Sum += (double)S.Sum(s0) + S.Sum(s1);
                    total.Product += (double)S.Sum(p0) + S.Sum(p1);
                }
            }

            return total;
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly void Strip(int block, int strip, CpuBatchNormPair* partial)
        {
            int row = Cut.Shape.Row, column = strip * S.Width, lanes = Math.Min(S.Width, row - column);
            bool full = lanes == S.Width;
            V mean = full ? S.Load(Tables.Mean + column) : SimdPart.Load<S, V>(Tables.Mean + column, lanes, 0f);
            V scale = full ? S.Load(Tables.Scale + column) : SimdPart.Load<S, V>(Tables.Scale + column, lanes, 0f);
            V beta = full ? S.Load(Tables.Beta + column) : SimdPart.Load<S, V>(Tables.Beta + column, lanes, 0f);
            float* sums = stackalloc float[S.Width];
            float* products = stackalloc float[S.Width];
            for (int lane = 0; lane < lanes; lane++)
            {
                partial[column + lane] = default;
            }

            int last = Cut.FirstSample(block + 1);
            for (int n = Cut.FirstSample(block); n < last; n += ChunkRows)
            {
                int stop = Math.Min(last, n + ChunkRows);
                V s = S.Zero, p = S.Zero;
                for (int m = n; m < stop; m++)
                {
                    long at = ((long)m * row) + column;
                    V g = full ? Masked(at, mean, scale, beta, out V d) : MaskedPart(at, lanes, mean, scale, beta, out d);
                    s = S.Add(s, g);
                    p = S.Fma(g, d, p);
                }

                S.Store(sums, s);
                S.Store(products, p);
                for (int lane = 0; lane < lanes; lane++)
                {
                    partial[column + lane].Sum += sums[lane];
                    partial[column + lane].Product += products[lane];
                }
            }
        }
    }
}
