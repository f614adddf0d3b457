using System.Runtime.CompilerServices;

namespace SmartFrz.Kernels.Cpu;

/// <summary>The CPU body of <see cref="BatchNormForwardKernel"/>: threads over planes, or over samples where planes are tiny.</summary>
internal static unsafe class CpuBatchNormForward
{
    public static void Run(CpuContext cpu, BatchNormShape shape, float* x, in BatchNormChannels channels, float* residual, Activation activation, float* y)
    {
        using var exclusive = cpu.Pool.Exclusive();
        var pass = new Pass
        {
            Pool = cpu.Pool,
            Shape = shape,
            Tables = CpuBatchNormTables.Of(cpu.Pool, shape, channels),
            X = x,
            Residual = residual,
            Y = y,
            Activation = activation,
        };
        cpu.Isa.Run(ref pass);
    }

    private struct Pass : ISimdAction
    {
        public CpuPool Pool;
        public BatchNormShape Shape;
        public CpuBatchNormTables Tables;
        public float* X, Residual, Y;
        public Activation Activation;

        public readonly void Run<S, V>()
            where S : struct, ISimd<V>
            where V : unmanaged
        {
            var body = new Body<S, V> { Shape = Shape, Tables = Tables, X = X, Residual = Residual, Y = Y, Activation = Activation };
            CpuBatchNormRuns.For(Pool, Shape, ref body);
        }
    }

    private struct Body<S, V> : IParallelBody
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        public BatchNormShape Shape;
        public CpuBatchNormTables Tables;
        public float* X, Residual, Y;
        public Activation Activation;

        [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
        public readonly void Run(int begin, int end, int worker)
        {
            var t = Tables;
            bool columns = CpuBatchNormCut.IsByColumns(Shape);
            int length = columns ? Shape.Row : Shape.Plane;
            for (int run = begin; run < end; run++)
            {
                long at = (long)run * length;
                if (columns)
                {
                    int j = 0;
                    for (; j + S.Width <= length; j += S.Width)
                    {
                        Vector(at + j, S.Load(t.Mean + j), S.Load(t.Scale + j), S.Load(t.Beta + j));
                    }

                    if (j < length)
                    {
                        int n = length - j;
                        Tail(at + j, n, SimdPart.Load<S, V>(t.Mean + j, n, 0f), SimdPart.Load<S, V>(t.Scale + j, n, 0f), SimdPart.Load<S, V>(t.Beta + j, n, 0f));
                    }
                }
                else
                {
                    int c = run % Shape.C, i = 0;
                    V mean = S.Set(t.Mean[c]), scale = S.Set(t.Scale[c]), beta = S.Set(t.Beta[c]);
                    for (; i + S.Width <= length; i += S.Width)
                    {
                        Vector(at + i, mean, scale, beta);
                    }

                    if (i < length)
                    {
                        Tail(at + i, length - i, mean, scale, beta);
                    }
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private readonly void Vector(long i, V mean, V scale, V beta)
        {
            V v = S.Fma(S.Sub(S.Load(X + i), mean), scale, beta);
            v = Residual == null ? v : S.Add(v, S.Load(Residual + i));
            S.Store(Y + i, Activated(v));
        }

        private readonly void Tail(long i, int n, V mean, V scale, V beta)
        {
            V v = S.Fma(S.Sub(SimdPart.Load<S, V>(X + i, n, 0f), mean), scale, beta);
            v = Residual == null ? v : S.Add(v, SimdPart.Load<S, V>(Residual + i, n, 0f));
            SimdPart.Store<S, V>(Y + i, n, Activated(v));
        }

        // NaN stays NaN, so that a diverging network shows itself.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private readonly V Activated(V v)
        {
            if (Activation == Activation.None)
            {
                return v;
            }

            v = S.Select(S.Greater(S.Zero, v), S.Zero, v);
            return Activation == Activation.Relu6 ? S.Select(S.Greater(v, S.Set(6f)), S.Set(6f), v) : v;
        }
    }
}
