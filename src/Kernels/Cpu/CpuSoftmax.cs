using System.Runtime.CompilerServices;

namespace SmartFrz.Kernels.Cpu;

/// <summary>The CPU body of <see cref="SoftmaxKernel{TForm}"/>: threads over rows.</summary>
internal static unsafe class CpuSoftmax
{
    // Elements that a thread takes at least: an exponential costs about ten additions.
    internal const int ElementsPerPiece = 4096;

    public static void Run(CpuContext cpu, int rows, int columns, float* x, float* y, bool logarithm)
    {
        var pass = new Pass { Pool = cpu.Pool, Rows = rows, Columns = columns, X = x, Y = y, Logarithm = logarithm };
        cpu.Isa.Run(ref pass);
    }

    private struct Pass : ISimdAction
    {
        public CpuPool Pool;
        public int Rows, Columns;
        public float* X, Y;
        public bool Logarithm;

        public readonly void Run<S, V>()
            where S : struct, ISimd<V>
            where V : unmanaged
        {
            var body = new Body<S, V> { Columns = Columns, X = X, Y = Y, Logarithm = Logarithm };
            Pool.For(Rows, Math.Max(1, ElementsPerPiece / Math.Max(1, Columns)), ref body);
        }
    }

    private struct Body<S, V> : IParallelBody
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        public int Columns;
        public float* X, Y;
        public bool Logarithm;

        [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
        public readonly void Run(int begin, int end, int worker)
        {
            for (int row = begin; row < end; row++)
            {
                float* x = X + ((long)row * Columns), y = Y + ((long)row * Columns);
                float max = CpuRow.Max<S, V>(x, Columns);
                double sum = CpuRow.SumExp<S, V>(x, Logarithm ? null : y, Columns, max);
                if (Logarithm)
                {
                    Shift(x, y, S.Set(max), S.Set((float)Math.Log(sum)));
                }
                else
                {
                    Scale(y, S.Set((float)(1 / sum)));
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly void Shift(float* x, float* y, V max, V log)
        {
            int i = 0;
            for (; i + S.Width <= Columns; i += S.Width)
            {
                S.Store(y + i, S.Sub(S.Sub(S.Load(x + i), max), log));
            }

            if (i < Columns)
            {
                SimdPart.Store<S, V>(y + i, Columns - i, S.Sub(S.Sub(SimdPart.Load<S, V>(x + i, Columns - i, 0f), max), log));
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly void Scale(float* y, V inverse)
        {
            int i = 0;
            for (; i + S.Width <= Columns; i += S.Width)
            {
                S.Store(y + i, S.Mul(S.Load(y + i), inverse));
            }

            if (i < Columns)
            {
                SimdPart.Store<S, V>(y + i, Columns - i, S.Mul(SimdPart.Load<S, V>(y + i, Columns - i, 0f), inverse));
            }
        }
    }
}

/// <summary>The CPU body of <see cref="SoftmaxGradKernel{TForm}"/>: threads over rows.</summary>
internal static unsafe class CpuSoftmaxGrad
{
    public static void Run(CpuContext cpu, int rows, int columns, float* dy, float* y, float* dx, bool logarithm, bool accumulate)
    {
        var pass = new Pass { Pool = cpu.Pool, Rows = rows, Columns = columns, Dy = dy, Y = y, Dx = dx, Logarithm = logarithm, Accumulate = accumulate };
        cpu.Isa.Run(ref pass);
    }

    private struct Pass : ISimdAction
    {
        public CpuPool Pool;
        public int Rows, Columns;
        public float* Dy, Y, Dx;
        public bool Logarithm, Accumulate;

        public readonly void Run<S, V>()
            where S : struct, ISimd<V>
            where V : unmanaged
        {
            var body = new Body<S, V> { Columns = Columns, Dy = Dy, Y = Y, Dx = Dx, Logarithm = Logarithm, Accumulate = Accumulate };
            Pool.For(Rows, Math.Max(1, CpuSoftmax.ElementsPerPiece / Math.Max(1, Columns)), ref body);
        }
    }

    private struct Body<S, V> : IParallelBody
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        public int Columns;
        public float* Dy, Y, Dx;
        public bool Logarithm, Accumulate;

        [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
        public readonly void Run(int begin, int end, int worker)
        {
            for (int row = begin; row < end; row++)
            {
                long at = (long)row * Columns;
                float* dy = Dy + at, y = Y + at, dx = Dx + at;
                V sum = S.Set((float)(Logarithm ? CpuRow.Sum<S, V>(dy, Columns) : CpuRow.Dot<S, V>(dy, y, Columns)));
                int i = 0;
                for (; i + S.Width <= Columns; i += S.Width)
                {
                    V g = Gradient(S.Load(dy + i), S.Load(y + i), sum);
                    S.Store(dx + i, Accumulate ? S.Add(S.Load(dx + i), g) : g);
                }

                if (i < Columns)
                {
                    int n = Columns - i;
                    V g = Gradient(SimdPart.Load<S, V>(dy + i, n, 0f), SimdPart.Load<S, V>(y + i, n, 0f), sum);
                    if (Accumulate)
                    {
                        SimdPart.Add<S, V>(dx + i, n, g);
                    }
                    else
                    {
                        SimdPart.Store<S, V>(dx + i, n, g);
                    }
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private readonly V Gradient(V dy, V y, V sum) =>
            Logarithm ? S.Sub(dy, S.Mul(SimdMath.Exp<S, V>(y), sum)) : S.Mul(y, S.Sub(dy, sum));
    }
}
