using System.Runtime.CompilerServices;

namespace SmartFrz.Kernels.Cpu;

/// <summary>
/// The CPU bodies of <see cref="LayerNormKernel"/> and <see cref="LayerNormInputGradKernel"/>: threads over rows. A row is read from memory
/// once; what follows finds it in the first-level cache.
/// </summary>
internal static unsafe class CpuLayerNorm
{
    // Elements that a thread takes at least.
    internal const int ElementsPerPiece = 16384;

    // Floats of a row that is asked for while the row before it is worked on: a few of them fit into a first-level cache.
    private const int PrefetchElements = 2048;

    // Elements added in single precision before the sum goes on in double: at most 128 in one lane.
    private const int ChunkElements = 2048;

    public static void Forward(CpuContext cpu, Problem of)
    {
        var pass = new Pass { Pool = cpu.Pool, Of = of, Backward = false };
        cpu.Isa.Run(ref pass);
    }

    public static void InputGradient(CpuContext cpu, Problem of)
    {
        var pass = new Pass { Pool = cpu.Pool, Of = of, Backward = true };
        cpu.Isa.Run(ref pass);
    }

    /// <summary>The operands of a launch; Y is what is written, the input's gradient in the backward pass.</summary>
    public struct Problem
    {
        public LayerNormShape Shape;
        public float* X, Dy, Gamma, Beta, Y, Mean, Rstd;
        public bool Accumulate;
    }

    private struct Pass : ISimdAction
    {
        public CpuPool Pool;
        public Problem Of;
        public bool Backward;

        public readonly void Run<S, V>()
            where S : struct, ISimd<V>
            where V : unmanaged
        {
            int grain = Math.Max(1, ElementsPerPiece / Math.Max(1, Of.Shape.Columns));
            if (Backward)
            {
                var body = new GradientBody<S, V> { Of = Of };
                Pool.For(Of.Shape.Rows, grain, ref body);
            }
            else
            {
                var body = new ForwardBody<S, V> { Of = Of };
                Pool.For(Of.Shape.Rows, grain, ref body);
            }
        }
    }

    private struct ForwardBody<S, V> : IParallelBody
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        public Problem Of;

        [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
        public readonly void Run(int begin, int end, int worker)
        {
            int columns = Of.Shape.Columns;
            for (int row = begin; row < end; row++)
            {
                float* x = Of.X + ((long)row * columns), y = Of.Y + ((long)row * columns);
                CpuPanels.Prefetch(x + columns, Math.Min(columns, PrefetchElements));
                float mean = (float)(CpuRow.Sum<S, V>(x, columns) / columns);
                float rstd = (float)(1 / Math.Sqrt((Squares(x, columns, mean) / columns) + Of.Shape.Eps));
                Of.Mean[row] = mean;
                Of.Rstd[row] = rstd;
                V m = S.Set(mean), r = S.Set(rstd);
                int i = 0;
                for (; i + S.Width <= columns; i += S.Width)
                {
                    S.Store(y + i, S.Fma(S.Mul(S.Sub(S.Load(x + i), m), r), S.Load(Of.Gamma + i), S.Load(Of.Beta + i)));
                }

                if (i < columns)
                {
                    int n = columns - i;
                    V last = S.Mul(S.Sub(SimdPart.Load<S, V>(x + i, n, 0f), m), r);
                    SimdPart.Store<S, V>(y + i, n, S.Fma(last, SimdPart.Load<S, V>(Of.Gamma + i, n, 0f), SimdPart.Load<S, V>(Of.Beta + i, n, 0f)));
                }
            }
        }

        // The sum of (x - mean)^2.
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static double Squares(float* x, int columns, float mean)
        {
            V m = S.Set(mean);
            double sum = 0;
            for (int from = 0; from < columns; from += ChunkElements)
            {
                int stop = Math.Min(columns, from + ChunkElements), i = from;
                V s0 = S.Zero, s1 = S.Zero;
                for (; i + (2 * S.Width) <= stop; i += 2 * S.Width)
                {
                    V d0 = S.Sub(S.Load(x + i), m), d1 = S.Sub(S.Load(x + i + S.Width), m);
                    s0 = S.Fma(d0, d0, s0);
                    s1 = S.Fma(d1, d1, s1);
                }

                for (; i < stop; i += S.Width)
                {
                    // Lanes past the end are at the mean.
                    V d = S.Sub(i + S.Width <= stop ? S.Load(x + i) : SimdPart.Load<S, V>(x + i, stop - i, mean), m);
                    s0 = S.Fma(d, d, s0);
                }

                sum += S.Sum(S.Add(s0, s1));
            }

            return sum;
        }
    }

    private struct GradientBody<S, V> : IParallelBody
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        public Problem Of;

        [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
        public readonly void Run(int begin, int end, int worker)
        {
            int columns = Of.Shape.Columns;
            for (int row = begin; row < end; row++)
            {
                float* dy = Of.Dy + ((long)row * columns), x = Of.X + ((long)row * columns), dx = Of.Y + ((long)row * columns);
                CpuPanels.Prefetch(dy + columns, Math.Min(columns, PrefetchElements));
                CpuPanels.Prefetch(x + columns, Math.Min(columns, PrefetchElements));
                V mean = S.Set(Of.Mean[row]), rstd = S.Set(Of.Rstd[row]);
                Sums(dy, x, mean, rstd, out double sum, out double product);
                V s = S.Set((float)(sum / columns)), p = S.Set((float)(product / columns));
                int i = 0;
                for (; i + S.Width <= columns; i += S.Width)
                {
                    V g = Gradient(S.Load(dy + i), S.Load(x + i), S.Load(Of.Gamma + i), mean, rstd, s, p);
                    S.Store(dx + i, Of.Accumulate ? S.Add(S.Load(dx + i), g) : g);
                }

                if (i < columns)
                {
                    int n = columns - i;
                    V g = Gradient(
                        SimdPart.Load<S, V>(dy + i, n, 0f), SimdPart.Load<S, V>(x + i, n, 0f), SimdPart.Load<S, V>(Of.Gamma + i, n, 0f), mean, rstd, s, p);
                    if (Of.Accumulate)
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
        private static V Gradient(V dy, V x, V gamma, V mean, V rstd, V sum, V product)
        {
            // Not one multiply-add: in a row of one element the difference has to vanish.
            V xhat = S.Mul(S.Sub(x, mean), rstd);
            return S.Mul(rstd, S.Sub(S.Sub(S.Mul(dy, gamma), sum), S.Mul(xhat, product)));
        }

        // The sums of g = dy * gamma and of g * xhat.
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly void Sums(float* dy, float* x, V mean, V rstd, out double sum, out double product)
        {
            int columns = Of.Shape.Columns;
            sum = 0;
            product = 0;
            for (int from = 0; from < columns; from += ChunkElements)
            {
                int stop = Math.Min(columns, from + ChunkElements), i = from;
                V s0 = S.Zero, p0 = S.Zero, s1 = S.Zero, p1 = S.Zero;
                for (; i + (2 * S.Width) <= stop; i += 2 * S.Width)
                {
                    V g = S.Mul(S.Load(dy + i), S.Load(Of.Gamma + i));
                    s0 = S.Add(s0, g);
                    p0 = S.Fma(g, S.Sub(S.Load(x + i), mean), p0);
                    g = S.Mul(S.Load(dy + i + S.Width), S.Load(Of.Gamma + i + S.Width));
                    s1 = S.Add(s1, g);
                    p1 = S.Fma(g, S.Sub(S.Load(x + i + S.Width), mean), p1);
                }

                for (; i < stop; i += S.Width)
                {
                    bool full = i + S.Width <= stop;
                    int n = stop - i;
                    V g = S.Mul(
                        full ? S.Load(dy + i) : SimdPart.Load<S, V>(dy + i, n, 0f), full ? S.Load(Of.Gamma + i) : SimdPart.Load<S, V>(Of.Gamma + i, n, 0f));
                    s0 = S.Add(s0, g);
                    p0 = S.Fma(g, S.Sub(full ? S.Load(x + i) : SimdPart.Load<S, V>(x + i, n, 0f), mean), p0);
                }

                sum += S.Sum(S.Add(s0, s1));
                product += S.Sum(S.Mul(S.Add(p0, p1), rstd));
            }
        }
    }
}
