using System.Runtime.CompilerServices;

namespace SmartFrz.Kernels.Cpu;

/// <summary>
/// The CPU body of <see cref="AvgPoolKernel"/>: threads over planes. The rows of a window are added as vectors first, then the columns.
/// </summary>
internal static unsafe class CpuAvgPool
{
    public static void Run(CpuContext cpu, AvgPoolShape shape, float* x, float* y)
    {
        using var exclusive = cpu.Pool.Exclusive();
        var pass = new Pass { Pool = cpu.Pool, Shape = shape, X = x, Y = y };
        cpu.Isa.Run(ref pass);
    }

    private struct Pass : ISimdAction
    {
        public CpuPool Pool;
        public AvgPoolShape Shape;
        public float* X, Y;

        public readonly void Run<S, V>()
            where S : struct, ISimd<V>
            where V : unmanaged
        {
            var body = new Body<S, V> { Shape = Shape, X = X, Y = Y, Line = Pool.Scratch(Shape.W) };
            Pool.For(Shape.Planes, Math.Max(1, CpuMaxPool.ElementsPerPiece / Math.Max(1, Shape.H * Shape.W)), ref body);
        }
    }

    private struct Body<S, V> : IParallelBody
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        public AvgPoolShape Shape;
        public float* X, Y;
        public WorkerScratch Line;

        [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
        public readonly void Run(int begin, int end, int worker)
        {
            int size = Shape.H * Shape.W;
            for (int plane = begin; plane < end; plane++)
            {
                float* x = X + ((long)plane * size);
                if (Shape.IsGlobal)
                {
                    Y[plane] = (float)(CpuRow.Sum<S, V>(x, size) / size);
                }
                else
                {
                    Windows(x, Y + ((long)plane * Shape.P * Shape.Q), Line.Of(worker));
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly void Windows(float* x, float* y, float* line)
        {
            var (rows, columns) = (Shape.Rows, Shape.Columns);
            for (int p = 0; p < Shape.P; p++)
            {
                int top = rows.Begin(p), bottom = rows.End(p);
                int w = 0;
                for (; w + S.Width <= Shape.W; w += S.Width)
                {
                    V sum = S.Zero;
                    for (int h = top; h < bottom; h++)
                    {
                        sum = S.Add(sum, S.Load(x + ((long)h * Shape.W) + w));
                    }

                    S.Store(line + w, sum);
                }

                for (; w < Shape.W; w++)
                {
                    float sum = 0;
                    for (int h = top; h < bottom; h++)
                    {
                        sum += x[((long)h * Shape.W) + w];
                    }

                    line[w] = sum;
                }

                int extent = rows.Extent(p);
                for (int q = 0; q < Shape.Q; q++)
                {
                    double sum = 0;
                    int right = columns.End(q);
                    for (int v = columns.Begin(q); v < right; v++)
                    {
                        sum += line[v];
                    }

                    *y++ = (float)(sum / ((long)extent * columns.Extent(q)));
                }
            }
        }
    }
}

/// <summary>The CPU body of <see cref="AvgPoolGradKernel"/>: threads over planes. A row of shares is made once for all rows of a window.</summary>
internal static unsafe class CpuAvgPoolGrad
{
    public static void Run(CpuContext cpu, AvgPoolShape shape, float* dy, float* dx, bool accumulate)
    {
        using var exclusive = cpu.Pool.Exclusive();
        var pass = new Pass { Pool = cpu.Pool, Shape = shape, Dy = dy, Dx = dx, Accumulate = accumulate };
        cpu.Isa.Run(ref pass);
    }

    private struct Pass : ISimdAction
    {
        public CpuPool Pool;
        public AvgPoolShape Shape;
        public float* Dy, Dx;
        public bool Accumulate;

        public readonly void Run<S, V>()
            where S : struct, ISimd<V>
            where V : unmanaged
        {
            var body = new Body<S, V> { Shape = Shape, Dy = Dy, Dx = Dx, Accumulate = Accumulate, Line = Pool.Scratch(Shape.W) };
            Pool.For(Shape.Planes, Math.Max(1, CpuMaxPool.ElementsPerPiece / Math.Max(1, Shape.H * Shape.W)), ref body);
        }
    }

    private struct Body<S, V> : IParallelBody
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        public AvgPoolShape Shape;
        public float* Dy, Dx;
        public bool Accumulate;
        public WorkerScratch Line;

        [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
        public readonly void Run(int begin, int end, int worker)
        {
            int size = Shape.H * Shape.W;
            for (int plane = begin; plane < end; plane++)
            {
                float* dx = Dx + ((long)plane * size);
                if (!Accumulate)
                {
                    new Span<float>(dx, size).Clear();
                }

                if (Shape.IsGlobal)
                {
                    Add(dx, Dy[plane] / size, size);
                }
                else
                {
                    Windows(dx, Dy + ((long)plane * Shape.P * Shape.Q), Line.Of(worker));
                }
            }
        }

        private static void Add(float* dx, float share, int count)
        {
            V v = S.Set(share);
            int i = 0;
            for (; i + S.Width <= count; i += S.Width)
            {
                S.Store(dx + i, S.Add(S.Load(dx + i), v));
            }

            for (; i < count; i++)
            {
                dx[i] += share;
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly void Windows(float* dx, float* dy, float* line)
        {
            var (rows, columns) = (Shape.Rows, Shape.Columns);
            for (int p = 0; p < Shape.P; p++)
            {
                new Span<float>(line, Shape.W).Clear();
                int extent = rows.Extent(p), bottom = rows.End(p);
                for (int q = 0; q < Shape.Q; q++)
                {
                    float share = *dy++ / ((long)extent * columns.Extent(q));
                    int right = columns.End(q);
                    for (int w = columns.Begin(q); w < right; w++)
                    {
                        line[w] += share;
                    }
                }

                for (int h = rows.Begin(p); h < bottom; h++)
                {
                    Add(dx + ((long)h * Shape.W), line);
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly void Add(float* dx, float* line)
        {
            int w = 0;
            for (; w + S.Width <= Shape.W; w += S.Width)
            {
                S.Store(dx + w, S.Add(S.Load(dx + w), S.Load(line + w)));
            }

            for (; w < Shape.W; w++)
            {
                dx[w] += line[w];
            }
        }
    }
}
