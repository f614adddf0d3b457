using System.Runtime.CompilerServices;

namespace SmartFrz.Kernels.Cpu;

/// <summary>
/// The CPU body of <see cref="LayerNormParameterGradKernel"/>: threads over pieces of the rows, whose sums lie in the first-level cache while
/// dy and x stream by; then threads over columns, which add the pieces in their order.
/// </summary>
internal static unsafe class CpuLayerNormSums
{
    public static void Run(CpuContext cpu, Problem of)
    {
        var pass = new Pass { Pool = cpu.Pool, Of = of };
        cpu.Isa.Run(ref pass);
    }

    /// <summary>The operands of a launch; X is null when dgamma is not needed, Dgamma or Dbeta when that one is not.</summary>
    public struct Problem
    {
        public LayerNormShape Shape;
        public float* Dy, X, Mean, Rstd, Partials, Dgamma, Dbeta;
        public bool AddGamma, AddBeta;

        public readonly float* Sums(int piece) => Partials + ((long)piece * Shape.Columns);

        public readonly float* Products(int piece) => Sums(Shape.Pieces + piece);
    }

    private struct Pass : ISimdAction
    {
        public CpuPool Pool;
        public Problem Of;

        public readonly void Run<S, V>()
            where S : struct, ISimd<V>
            where V : unmanaged
        {
            var pieces = new PieceBody<S, V> { Of = Of };
            long perPiece = Math.Max(1, Of.Shape.Count / Of.Shape.Pieces);
            Pool.For(Of.Shape.Pieces, (int)Math.Max(1, CpuLayerNorm.ElementsPerPiece / perPiece), ref pieces);
            var columns = new ColumnBody { Of = Of };
            Pool.For(Of.Shape.Columns, Math.Max(1, CpuLayerNorm.ElementsPerPiece / Of.Shape.Pieces), ref columns);
        }
    }

    private struct PieceBody<S, V> : IParallelBody
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        // Rows that are added to each other before they are added to the piece's sums.
        private const int Rows = 4;

        public Problem Of;

        [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
        public readonly void Run(int begin, int end, int worker)
        {
            int columns = Of.Shape.Columns;
            for (int piece = begin; piece < end; piece++)
            {
                float* sums = Of.Sums(piece), products = Of.Products(piece);
                if (Of.Dbeta != null)
                {
                    new Span<float>(sums, columns).Clear();
                }

                if (Of.Dgamma != null)
                {
                    new Span<float>(products, columns).Clear();
                }

                int row = Of.Shape.Begin(piece), stop = Of.Shape.Begin(piece + 1);
                for (; row < stop; row += Rows)
                {
                    int rows = Math.Min(Rows, stop - row);
                    if (Of.Dgamma != null)
                    {
                        AddProducts(row, rows, products, Of.Dbeta != null ? sums : null);
                    }
                    else
                    {
                        Add(row, rows, sums);
                    }
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly void Add(int row, int rows, float* sums)
        {
            int columns = Of.Shape.Columns;
            float* d0 = Of.Dy + ((long)row * columns), d1 = d0 + columns, d2 = d1 + columns, d3 = d2 + columns;
            int i = 0;
            for (; rows == Rows && i + S.Width <= columns; i += S.Width)
            {
                V pairs = S.Add(S.Add(S.Load(d0 + i), S.Load(d1 + i)), S.Add(S.Load(d2 + i), S.Load(d3 + i)));
                S.Store(sums + i, S.Add(S.Load(sums + i), pairs));
            }

            for (; i < columns; i++)
            {
                float sum = 0f;
                for (int r = 0; r < rows; r++)
                {
                    sum += d0[((long)r * columns) + i];
                }

                sums[i] += sum;
            }
        }

        // The sums of dy as well, unless null: the same additions as by themselves.
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly void AddProducts(int row, int rows, float* products, float* sums)
        {
            int columns = Of.Shape.Columns;
            float* d0 = Of.Dy + ((long)row * columns), d1 = d0 + columns, d2 = d1 + columns, d3 = d2 + columns;
            float* x0 = Of.X + ((long)row * columns), x1 = x0 + columns, x2 = x1 + columns, x3 = x2 + columns;
            int i = 0;
            if (rows == Rows)
            {
                V m0 = S.Set(Of.Mean[row]), m1 = S.Set(Of.Mean[row + 1]), m2 = S.Set(Of.Mean[row + 2]), m3 = S.Set(Of.Mean[row + 3]);
                V r0 = S.Set(Of.Rstd[row]), r1 = S.Set(Of.Rstd[row + 1]), r2 = S.Set(Of.Rstd[row + 2]), r3 = S.Set(Of.Rstd[row + 3]);
                for (; i + S.Width <= columns; i += S.Width)
                {
                    V g0 = S.Load(d0 + i), g1 = S.Load(d1 + i), g2 = S.Load(d2 + i), g3 = S.Load(d3 + i);
                    V left = S.Mul(g0, S.Mul(S.Sub(S.Load(x0 + i), m0), r0));
                    V right = S.Mul(g2, S.Mul(S.Sub(S.Load(x2 + i), m2), r2));
                    left = S.Fma(g1, S.Mul(S.Sub(S.Load(x1 + i), m1), r1), left);
                    right = S.Fma(g3, S.Mul(S.Sub(S.Load(x3 + i), m3), r3), right);
                    S.Store(products + i, S.Add(S.Load(products + i), S.Add(left, right)));
                    if (sums != null)
                    {
                        S.Store(sums + i, S.Add(S.Load(sums + i), S.Add(S.Add(g0, g1), S.Add(g2, g3))));
                    }
                }
            }

            for (; i < columns; i++)
            {
                float sum = 0f, product = 0f;
                for (int r = 0; r < rows; r++)
                {
                    long at = ((long)r * columns) + i;
                    sum += d0[at];
                    product += d0[at] * ((x0[at] - Of.Mean[row + r]) * Of.Rstd[row + r]);
                }

                products[i] += product;
                if (sums != null)
                {
                    sums[i] += sum;
                }
            }
        }
    }

    private struct ColumnBody : IParallelBody
    {
        public Problem Of;

        public readonly void Run(int begin, int end, int worker)
        {
            if (Of.Dbeta != null)
            {
                Finish(Of.Sums(0), Of.Dbeta, Of.AddBeta, begin, end);
            }

            if (Of.Dgamma != null)
            {
                Finish(Of.Products(0), Of.Dgamma, Of.AddGamma, begin, end);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly void Finish(float* partials, float* target, bool add, int begin, int end)
        {
            const int Block = 64;
            double* sums = stackalloc double[Block];
            for (int first = begin; first < end; first += Block)
            {
                int count = Math.Min(Block, end - first);
                new Span<double>(sums, count).Clear();
                for (int piece = 0; piece < Of.Shape.Pieces; piece++)
                {
                    float* from = partials + ((long)piece * Of.Shape.Columns) + first;
                    for (int i = 0; i < count; i++)
                    {
                        sums[i] += from[i];
                    }
                }

                for (int i = 0; i < count; i++)
                {
                    target[first + i] = add ? target[first + i] + (float)sums[i] : (float)sums[i];
                }
            }
        }
    }
}
