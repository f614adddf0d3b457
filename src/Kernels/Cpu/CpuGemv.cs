using System.Runtime.CompilerServices;

namespace SmartFrz.Kernels.Cpu;

/// <summary>Products with a vector: one pass over the matrix, nothing packed.</summary>
internal static unsafe class CpuGemv
{
    private const long ElementsPerPiece = 128 * 1024;

    /// <summary>Whether one operand is a vector and the other one matrix.</summary>
    public static bool Fits(in GemmShape s) => s.Batch == 1 && (s.M == 1 || s.N == 1);

    public static void Run<S, V>(CpuPool pool, in GemmShape s, float* a, float* b, float* c)
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        // y[rows or columns] from x and a matrix; y = x B with B plain is a sum of its rows, every other case dot products or the same.
        bool row = s.M == 1;
        int outputs = row ? s.N : s.M;
        var body = new Body<S, V>
        {
            X = row ? a : b,
            Matrix = row ? b : a,
            Y = c,
            Outputs = outputs,
            K = s.K,
            Accumulate = s.Accumulate,
            // Each output's numbers lie side by side: B stored [N,K], or A stored [M,K].
            Dots = row ? s.TransB : !s.TransA,
        };
        int grain = (int)Math.Clamp(ElementsPerPiece / Math.Max(1, s.K), 64, int.MaxValue);
        pool.For(outputs, grain, ref body);
    }

    // One piece owns a range of outputs.
    private struct Body<S, V> : IParallelBody
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        public float* X, Matrix, Y;
        public int Outputs, K;
        public bool Accumulate, Dots;

        [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
        public readonly void Run(int begin, int end, int worker)
        {
            if (Dots)
            {
                for (int i = begin; i < end; i++)
                {
                    float sum = Dot(X, Matrix + ((long)i * K), K);
                    Y[i] = Accumulate ? Y[i] + sum : sum;
                }

                return;
            }

            int j = begin;
            for (; j + (4 * S.Width) <= end; j += 4 * S.Width)
            {
                Columns4(j);
            }

            for (; j + S.Width <= end; j += S.Width)
            {
                V sum = S.Zero;
                float* m = Matrix + j;
                for (int k = 0; k < K; k++, m += Outputs)
                {
                    sum = S.Fma(S.Set(X[k]), S.Load(m), sum);
                }

                Put(j, sum);
            }

            for (; j < end; j++)
            {
                float sum = 0f;
                float* m = Matrix + j;
                for (int k = 0; k < K; k++, m += Outputs)
                {
                    sum = MathF.FusedMultiplyAdd(X[k], *m, sum);
                }

                Y[j] = Accumulate ? Y[j] + sum : sum;
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private readonly void Columns4(int j)
        {
            V s0 = S.Zero, s1 = S.Zero, s2 = S.Zero, s3 = S.Zero;
            float* m = Matrix + j;
            for (int k = 0; k < K; k++, m += Outputs)
            {
                V x = S.Set(X[k]);
                s0 = S.Fma(x, S.Load(m), s0);
                s1 = S.Fma(x, S.Load(m + S.Width), s1);
                s2 = S.Fma(x, S.Load(m + (2 * S.Width)), s2);
                s3 = S.Fma(x, S.Load(m + (3 * S.Width)), s3);
            }

            Put(j, s0);
            Put(j + S.Width, s1);
            Put(j + (2 * S.Width), s2);
            Put(j + (3 * S.Width), s3);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private readonly void Put(int j, V sum) => S.Store(Y + j, Accumulate ? S.Add(S.Load(Y + j), sum) : sum);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static float Dot(float* x, float* y, int n)
        {
            V s0 = S.Zero, s1 = S.Zero, s2 = S.Zero, s3 = S.Zero;
            int k = 0;
            for (; k + (4 * S.Width) <= n; k += 4 * S.Width)
            {
                s0 = S.Fma(S.Load(x + k), S.Load(y + k), s0);
                s1 = S.Fma(S.Load(x + k + S.Width), S.Load(y + k + S.Width), s1);
                s2 = S.Fma(S.Load(x + k + (2 * S.Width)), S.Load(y + k + (2 * S.Width)), s2);
                s3 = S.Fma(S.Load(x + k + (3 * S.Width)), S.Load(y + k + (3 * S.Width)), s3);
            }

            for (; k + S.Width <= n; k += S.Width)
            {
                s0 = S.Fma(S.Load(x + k), S.Load(y + k), s0);
            }

            float sum = S.Sum(S.Add(S.Add(s0, s1), S.Add(s2, s3)));
            for (; k < n; k++)
            {
                sum = MathF.FusedMultiplyAdd(x[k], y[k], sum);
            }

            return sum;
        }
    }
}
