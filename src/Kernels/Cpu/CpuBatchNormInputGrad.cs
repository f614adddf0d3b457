using System.Runtime.CompilerServices;

namespace SmartFrz.Kernels.Cpu;

/// <summary>The CPU body of <see cref="BatchNormInputGradKernel"/>: dx = scale * g + slope * (x - mean) + term, the last two in training alone.</summary>
internal static unsafe class CpuBatchNormInputGrad
{
    public struct Arrays
    {
        public float* Dy, X, Y, Dx;
        public bool Accumulate;
    }

    public static void Run(
        CpuContext cpu, BatchNormShape shape, ReluMask relu, in BatchNormChannels channels, bool training, float* sums, float* products, Arrays arrays)
    {
        using var exclusive = cpu.Pool.Exclusive();
        var tables = training
            ? CpuBatchNormTables.Of(cpu.Pool, shape, channels, sums, products)
            : CpuBatchNormTables.Of(cpu.Pool, shape, channels);
        var pass = new Pass { Pool = cpu.Pool, Shape = shape, Tables = tables, Relu = relu, Training = training, Arrays = arrays };
        cpu.Isa.Run(ref pass);
    }

    private struct Pass : ISimdAction, ICpuReluMasked
    {
        public CpuPool Pool;
        public BatchNormShape Shape;
        public CpuBatchNormTables Tables;
        public ReluMask Relu;
        public bool Training;
        public Arrays Arrays;

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
            var body = new Body<S, V, TRelu> { Shape = Shape, Tables = Tables, Training = Training, Arrays = Arrays };
            CpuBatchNormRuns.For(Pool, Shape, ref body);
        }
    }

    private struct Body<S, V, TRelu> : IParallelBody
        where S : struct, ISimd<V>
        where V : unmanaged
        where TRelu : unmanaged, ICpuReluMask
    {
        public BatchNormShape Shape;
        public CpuBatchNormTables Tables;
        public bool Training;
        public Arrays Arrays;

        [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
        public readonly void Run(int begin, int end, int worker)
        {
            bool columns = CpuBatchNormCut.IsByColumns(Shape);
            int length = columns ? Shape.Row : Shape.Plane;
            for (int run = begin; run < end; run++)
            {
                long at = (long)run * length;
                if (columns)
                {
                    Row(at, length);
                }
                else
                {
                    Plane(at, length, run % Shape.C);
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly void Plane(long at, int length, int c)
        {
            var t = Tables;
            V mean = S.Set(t.Mean[c]), scale = S.Set(t.Scale[c]), beta = S.Set(t.Beta[c]), slope = S.Set(t.Slope[c]), term = S.Set(t.Term[c]);
            int i = 0;
            for (; i + S.Width <= length; i += S.Width)
            {
                Vector(at + i, mean, scale, beta, slope, term);
            }

            if (i < length)
            {
                Tail(at + i, length - i, mean, scale, beta, slope, term);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly void Row(long at, int length)
        {
            var t = Tables;
            int j = 0;
            for (; j + S.Width <= length; j += S.Width)
            {
                Vector(at + j, S.Load(t.Mean + j), S.Load(t.Scale + j), S.Load(t.Beta + j), S.Load(t.Slope + j), S.Load(t.Term + j));
            }

            if (j < length)
            {
                int n = length - j;
                Tail(
                    at + j,
                    n,
                    SimdPart.Load<S, V>(t.Mean + j, n, 0f),
                    SimdPart.Load<S, V>(t.Scale + j, n, 0f),
                    SimdPart.Load<S, V>(t.Beta + j, n, 0f),
                    SimdPart.Load<S, V>(t.Slope + j, n, 0f),
                    SimdPart.Load<S, V>(t.Term + j, n, 0f));
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private readonly void Vector(long i, V mean, V scale, V beta, V slope, V term)
        {
            V x = Training ? S.Load(Arrays.X + i) : S.Zero;
            V y = TRelu.From.ReadsOutput() ? S.Load(Arrays.Y + i) : S.Zero;
            V dx = Gradient(S.Load(Arrays.Dy + i), x, y, mean, scale, beta, slope, term);
            S.Store(Arrays.Dx + i, Arrays.Accumulate ? S.Add(S.Load(Arrays.Dx + i), dx) : dx);
        }

        private readonly void Tail(long i, int n, V mean, V scale, V beta, V slope, V term)
        {
            V x = Training ? SimdPart.Load<S, V>(Arrays.X + i, n, 0f) : S.Zero;
            V y = TRelu.From.ReadsOutput() ? SimdPart.Load<S, V>(Arrays.Y + i, n, 0f) : S.Zero;
            V dx = Gradient(SimdPart.Load<S, V>(Arrays.Dy + i, n, 0f), x, y, mean, scale, beta, slope, term);
            if (Arrays.Accumulate)
            {
                SimdPart.Add<S, V>(Arrays.Dx + i, n, dx);
            }
            else
            {
                SimdPart.Store<S, V>(Arrays.Dx + i, n, dx);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private readonly V Gradient(V dy, V x, V y, V mean, V scale, V beta, V slope, V term)
        {
            V distance = S.Sub(x, mean);
            V g = TRelu.From switch
            {
                ReluMask.None => dy,
                ReluMask.FromOutput or ReluMask.SixFromOutput => CpuReluMask.Open<S, V, TRelu>(y, dy),
                _ => CpuReluMask.Open<S, V, TRelu>(S.Fma(distance, scale, beta), dy),
            };
            return Training ? S.Fma(scale, g, S.Fma(slope, distance, term)) : S.Mul(scale, g);
        }
    }
}
