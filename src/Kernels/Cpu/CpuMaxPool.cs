using System.Runtime.CompilerServices;

namespace SmartFrz.Kernels.Cpu;

/// <summary>The CPU body of <see cref="MaxPoolKernel"/>: threads over planes, vectors over the outputs of a row.</summary>
/// <remarks>
/// Every tap of the window is one vector of the row below it (every other float for stride 2). With padding the plane is copied with a
/// border of -infinity first. Lanes beyond the end of a row read and write into the next row, which is written afterwards.
/// </remarks>
internal static unsafe class CpuMaxPool
{
    // Elements that a thread takes at least: a fork and join is a few microseconds.
    internal const int ElementsPerPiece = 16384;

    public static void Run(CpuContext cpu, MaxPoolShape shape, float* x, float* y, int* taps)
    {
        using var exclusive = cpu.Pool.Exclusive();
        var pass = new Pass { Pool = cpu.Pool, Shape = shape, X = x, Y = y, Taps = taps };
        cpu.Isa.Run(ref pass);
    }

    private struct Pass : ISimdAction
    {
        public CpuPool Pool;
        public MaxPoolShape Shape;
        public float* X, Y;
        public int* Taps;

        public readonly void Run<S, V>()
            where S : struct, ISimd<V>
            where V : unmanaged
        {
            var body = new Body<S, V> { Shape = Shape, X = X, Y = Y, Taps = Taps, Pitch = Shape.W + (2 * Shape.Padding) };
            if (Shape.Padding > 0)
            {
                // A vector that begins at the last tap of the last output reads at most two registers beyond the end.
                body.Border = Pool.Scratch(((long)body.Pitch * (Shape.H + (2 * Shape.Padding))) + (2 * S.Width));
            }

            Pool.For(Shape.Planes, Math.Max(1, ElementsPerPiece / Math.Max(1, Shape.H * Shape.W)), ref body);
        }
    }

    private struct Body<S, V> : IParallelBody
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        public MaxPoolShape Shape;
        public float* X, Y;
        public int* Taps;
        public WorkerScratch Border;
        public int Pitch;

        [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
        public readonly void Run(int begin, int end, int worker)
        {
            var s = Shape;
            int p = s.P, q = s.Q;
            float* border = s.Padding > 0 ? Border.Of(worker) : null;
            if (border != null)
            {
                new Span<float>(border, Pitch * (s.H + (2 * s.Padding))).Fill(float.NegativeInfinity);
            }

            for (int plane = begin; plane < end; plane++)
            {
                float* x = X + ((long)plane * s.H * s.W);
                float* stop = X + s.InputCount;
                if (border != null)
                {
                    for (int h = 0; h < s.H; h++)
                    {
                        new ReadOnlySpan<float>(x + ((long)h * s.W), s.W).CopyTo(new Span<float>(border + ((long)(h + s.Padding) * Pitch) + s.Padding, s.W));
                    }

                    x = border;
                    stop = border + ((long)Pitch * (s.H + (2 * s.Padding))) + (2 * S.Width);
                }

                long output = (long)plane * p * q, last = output + ((long)p * q);
                for (int row = 0; row < p; row++)
                {
                    for (int column = 0; column < q; column += S.Width)
                    {
                        Outputs(x + ((long)row * s.Stride * Pitch) + ((long)column * s.Stride), stop, output + ((long)row * q) + column, last, Math.Min(S.Width, q - column));
                    }
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private readonly void Outputs(float* window, float* stop, long output, long last, int lanes)
        {
            int kernel = Shape.Kernel;
            V best = S.Set(float.NegativeInfinity), where = S.Zero;
            for (int r = 0; r < kernel; r++)
            {
                for (int c = 0; c < kernel; c++)
                {
                    V v = Tap(window + ((long)r * Pitch) + c, stop, lanes);

                    // The bits of the tap's number, in lanes that are only ever moved.
                    V tap = S.Set(BitConverter.Int32BitsToSingle((r * kernel) + c));
                    V larger = S.Greater(v, best), number = S.Equal(v, v);
                    best = S.Select(number, S.Select(larger, v, best), v);
                    where = S.Select(number, S.Select(larger, tap, where), tap);
                }
            }

            if (output + S.Width <= last)
            {
                S.Store(Y + output, best);
                if (Taps != null)
                {
                    S.Store((float*)Taps + output, where);
                }
            }
            else
            {
                SimdPart.Store<S, V>(Y + output, lanes, best);
                if (Taps != null)
                {
                    SimdPart.Store<S, V>((float*)Taps + output, lanes, where);
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private readonly V Tap(float* x, float* stop, int lanes)
        {
            if (Shape.Stride == 1 && x + S.Width <= stop)
            {
                return S.Load(x);
            }

            if (Shape.Stride == 2 && x + (2 * S.Width) <= stop)
            {
                return S.Even(S.Load(x), S.Load(x + S.Width));
            }

            return Strided(x, lanes);
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        private readonly V Strided(float* x, int lanes)
        {
            float* pad = stackalloc float[S.Width];
            for (int lane = 0; lane < S.Width; lane++)
            {
                pad[lane] = x[(long)Math.Min(lane, lanes - 1) * Shape.Stride];
            }

            return S.Load(pad);
        }
    }
}

/// <summary>The CPU body of <see cref="MaxPoolGradKernel"/>: threads over planes, outputs in order.</summary>
internal static unsafe class CpuMaxPoolGrad
{
    public static void Run(CpuContext cpu, MaxPoolShape shape, float* dy, int* taps, float* dx, bool accumulate)
    {
        var body = new Body { Shape = shape, Dy = dy, Taps = taps, Dx = dx, Accumulate = accumulate };
        cpu.Pool.For(shape.Planes, Math.Max(1, CpuMaxPool.ElementsPerPiece / Math.Max(1, shape.H * shape.W)), ref body);
    }

    private struct Body : IParallelBody
    {
        public MaxPoolShape Shape;
        public float* Dy, Dx;
        public int* Taps;
        public bool Accumulate;

        [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
        public readonly void Run(int begin, int end, int worker)
        {
            var s = Shape;
            int p = s.P, q = s.Q;
            for (int plane = begin; plane < end; plane++)
            {
                float* dx = Dx + ((long)plane * s.H * s.W);
                if (!Accumulate)
                {
                    new Span<float>(dx, s.H * s.W).Clear();
                }

                long o = (long)plane * p * q;
                for (int row = 0; row < p; row++)
                {
                    int top = (row * s.Stride) - s.Padding;
                    for (int left = -s.Padding; left < (q * s.Stride) - s.Padding; left += s.Stride, o++)
                    {
                        uint tap = (uint)Taps[o], r = tap / (uint)s.Kernel;

                        // A window of nothing but -infinity says tap 0, which may lie in the padding: its first element then.
                        int h = Math.Max(0, top + (int)r), w = Math.Max(0, left + (int)(tap - (r * (uint)s.Kernel)));
                        dx[((long)h * s.W) + w] += Dy[o];
                    }
                }
            }
        }
    }
}
