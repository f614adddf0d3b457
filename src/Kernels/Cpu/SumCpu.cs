using System.Runtime.CompilerServices;

namespace SmartFrz.Kernels.Cpu;

/// <summary>The CPU body of <see cref="SumKernel{TOp}"/>.</summary>
internal unsafe struct SumCpu<TOp> : ISimdAction
    where TOp : unmanaged, ISumOp
{
    public CpuContext Cpu;
    public ReduceGeometry Geometry;
    public float* X, Y;
    public double* Partials;
    public double Scale;
    public bool Accumulate;

    public void Run() => Cpu.Isa.Run(ref this);

    public readonly void Run<S, V>()
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        var body = new Body<S, V> { Geometry = Geometry, X = X, Y = Y, Partials = Partials, Scale = Scale, Accumulate = Accumulate };

        // A unit is one piece of one cell and one block of its columns; some 16k elements are worth a fork.
        const int ElementsPerPiece = 16384;
        int blocks = (Geometry.K3 + Body<S, V>.ColumnBlock - 1) / Body<S, V>.ColumnBlock;
        int units = Geometry.Cells * Geometry.Pieces * blocks;
        int grain = (int)Math.Clamp(ElementsPerPiece * (long)units / Math.Max(1, Geometry.Elements), 1, int.MaxValue);
        Cpu.Pool.For(units, grain, ref body);
    }

    private struct Body<S, V> : IParallelBody
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        // Columns whose running sums stay in a first-level cache.
        public const int ColumnBlock = 512;

        // Terms added in single precision before their sum goes into a double: keeps the error at a few units in the last place.
        private const int VectorsPerFlush = 16, LinesPerFlush = 64;

        public ReduceGeometry Geometry;
        public float* X, Y;
        public double* Partials;
        public double Scale;
        public bool Accumulate;

        public readonly void Run(int begin, int end, int worker)
        {
            if (Geometry.K3 == 1 && Geometry.Terms == Geometry.R2 && Geometry.Pieces == 1 && Partials == null)
            {
                Rows(begin, end);
                return;
            }

            int blocks = (Geometry.K3 + ColumnBlock - 1) / ColumnBlock, pieces = Geometry.Pieces, terms = Geometry.Terms;
            double* totals = stackalloc double[ColumnBlock];
            float* running = stackalloc float[ColumnBlock];
            for (int unit = begin; unit < end; unit++)
            {
                int block = unit % blocks, piece = unit / blocks % pieces, cell = unit / blocks / pieces;
                int column = block * ColumnBlock, columns = Math.Min(ColumnBlock, Geometry.K3 - column);
                int from = (int)((long)piece * terms / pieces), to = (int)((long)(piece + 1) * terms / pieces);
                new Span<double>(totals, columns).Clear();
                int offset = Geometry.CellOffset(cell);
                while (from < to)
                {
                    // As far as the lines lie one behind the other.
                    int n = Math.Min(to - from, Geometry.R2 - (from % Geometry.R2));
                    float* x = X + offset + Geometry.TermOffset(from);
                    if (Geometry.K3 == 1)
                    {
                        totals[0] += SumRow(x, n);
                    }
                    else
                    {
                        SumColumns(x + column, n, columns, running, totals);
                    }

                    from += n;
                }

                Write(cell, piece, column, columns, totals);
            }
        }

        // Rows that lie one behind the other, each summed at once: they may be short and many.
        private readonly void Rows(int begin, int end)
        {
            int n = Geometry.R2;
            for (int row = begin; row < end; row++)
            {
                float result = (float)(Scale * SumRow(X + ((long)row * n), n));
                Y[row] = Accumulate ? Y[row] + result : result;
            }
        }

        private readonly void Write(int cell, int piece, int column, int columns, double* totals)
        {
            if (Partials != null)
            {
                double* partials = Partials + ((((long)cell * Geometry.Pieces) + piece) * Geometry.K3) + column;
                new Span<double>(totals, columns).CopyTo(new Span<double>(partials, columns));
                return;
            }

            float* y = Y + ((long)cell * Geometry.K3) + column;
            for (int c = 0; c < columns; c++)
            {
                float result = (float)(Scale * totals[c]);
                y[c] = Accumulate ? y[c] + result : result;
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static double SumRow(float* x, int n)
        {
            TOp op = default;
            double total = 0;
            int i = 0, step = 4 * S.Width;
            while (i + step <= n)
            {
                V s0 = S.Zero, s1 = S.Zero, s2 = S.Zero, s3 = S.Zero;
                int stop = (int)Math.Min(n - step, i + ((long)step * (VectorsPerFlush - 1)));
                for (; i <= stop; i += step)
                {
                    s0 = S.Add(s0, op.Apply<S, V>(S.Load(x + i)));
                    s1 = S.Add(s1, op.Apply<S, V>(S.Load(x + i + S.Width)));
                    s2 = S.Add(s2, op.Apply<S, V>(S.Load(x + i + (2 * S.Width))));
                    s3 = S.Add(s3, op.Apply<S, V>(S.Load(x + i + (3 * S.Width))));
                }

                total += S.Sum(S.Add(S.Add(s0, s1), S.Add(s2, s3)));
            }

            if (i + S.Width <= n)
            {
                V s = S.Zero;
                for (; i + S.Width <= n; i += S.Width)
                {
                    s = S.Add(s, op.Apply<S, V>(S.Load(x + i)));
                }

                total += S.Sum(s);
            }

            for (; i < n; i++)
            {
                total += op.Apply(x[i]);
            }

            return total;
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly void SumColumns(float* x, int lines, int columns, float* running, double* totals)
        {
            long pitch = Geometry.K3;
            for (int line = 0; line < lines; line += LinesPerFlush)
            {
                int stop = Math.Min(lines, line + LinesPerFlush), at = line;
                new Span<float>(running, columns).Clear();
                for (; at + 4 <= stop; at += 4)
                {
                    Add4(x + (at * pitch), pitch, columns, running);
                }

                for (; at < stop; at++)
                {
                    Add1(x + (at * pitch), columns, running);
                }

                for (int c = 0; c < columns; c++)
                {
                    totals[c] += running[c];
                }
            }
        }

        private static void Add4(float* x0, long pitch, int columns, float* running)
        {
            TOp op = default;
            float* x1 = x0 + pitch, x2 = x1 + pitch, x3 = x2 + pitch;
            int c = 0;
            for (; c + S.Width <= columns; c += S.Width)
            {
                V a = S.Add(op.Apply<S, V>(S.Load(x0 + c)), op.Apply<S, V>(S.Load(x1 + c)));
                V b = S.Add(op.Apply<S, V>(S.Load(x2 + c)), op.Apply<S, V>(S.Load(x3 + c)));
                S.Store(running + c, S.Add(S.Load(running + c), S.Add(a, b)));
            }

            for (; c < columns; c++)
            {
                running[c] += (op.Apply(x0[c]) + op.Apply(x1[c])) + (op.Apply(x2[c]) + op.Apply(x3[c]));
            }
        }

        private static void Add1(float* x, int columns, float* running)
        {
            TOp op = default;
            int c = 0;
            for (; c + S.Width <= columns; c += S.Width)
            {
                S.Store(running + c, S.Add(S.Load(running + c), op.Apply<S, V>(S.Load(x + c))));
            }

            for (; c < columns; c++)
            {
                running[c] += op.Apply(x[c]);
            }
        }
    }
}
