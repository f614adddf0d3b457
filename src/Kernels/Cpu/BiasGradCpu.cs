using System.Runtime.CompilerServices;

namespace SmartFrz.Kernels.Cpu;

/// <summary>The CPU body of <see cref="BiasGradKernel"/>: threads over channels, each channel summed by one thread.</summary>
internal unsafe struct BiasGradCpu : ISimdAction
{
    // A chain of additions in float loses accuracy with its length: sums of this many are finished before they are added up.
    private const int Chain = 64;

    // Elements below which a second thread costs more than it brings.
    private const int Grain = 16384;

    public float* Dy, Db;
    public int Outer, Channels, Inner;
    public bool Accumulate;
    private CpuPool _pool;

    public static void Run(CpuContext cpu, BiasGradCpu sums)
    {
        sums._pool = cpu.Pool;
        cpu.Isa.Run(ref sums);
    }

    public readonly void Run<S, V>()
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        var one = new Problem { Dy = Dy, Db = Db, Outer = Outer, Channels = Channels, Inner = Inner, Accumulate = Accumulate };
        if (Inner == 1)
        {
            var columns = new ColumnBody<S, V> { Of = one };
            long perBlock = Math.Max(1, (long)Outer * S.Width);
            _pool.For((Channels + S.Width - 1) / S.Width, (int)Math.Max(1, Grain / perBlock), ref columns);
        }
        else
        {
            var planes = new PlaneBody<S, V> { Of = one };
            long perChannel = Math.Max(1, (long)Outer * Inner);
            _pool.For(Channels, (int)Math.Max(1, Grain / perChannel), ref planes);
        }
    }

    private struct Problem
    {
        public float* Dy, Db;
        public int Outer, Channels, Inner;
        public bool Accumulate;

        public readonly void Store(int channel, float sum) => Db[channel] = Accumulate ? Db[channel] + sum : sum;
    }

    /// <summary>Columns of a matrix, one vector's width of them at a time.</summary>
    private struct ColumnBody<S, V> : IParallelBody
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        public Problem Of;

        [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
        public readonly void Run(int begin, int end, int worker)
        {
            float* sums = stackalloc float[S.Width];
            for (int block = begin; block < end; block++)
            {
                int channel = block * S.Width;
                int width = Math.Min(S.Width, Of.Channels - channel);
                if (width == S.Width)
                {
                    S.Store(sums, Whole(channel));
                }
                else
                {
                    for (int i = 0; i < width; i++)
                    {
                        sums[i] = One(channel + i);
                    }
                }

                for (int i = 0; i < width; i++)
                {
                    Of.Store(channel + i, sums[i]);
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private readonly V Whole(int channel)
        {
            V sum = S.Zero;
            for (int first = 0; first < Of.Outer; first += Chain)
            {
                V part = S.Zero;
                int stop = Math.Min(Of.Outer, first + Chain);
                for (int row = first; row < stop; row++)
                {
                    part = S.Add(part, S.Load(Of.Dy + ((long)row * Of.Channels) + channel));
                }

                sum = S.Add(sum, part);
            }

            return sum;
        }

        // The same additions in the same order as one lane of a vector.
        private readonly float One(int channel)
        {
            float sum = 0f;
            for (int first = 0; first < Of.Outer; first += Chain)
            {
                float part = 0f;
                int stop = Math.Min(Of.Outer, first + Chain);
                for (int row = first; row < stop; row++)
                {
                    part += Of.Dy[((long)row * Of.Channels) + channel];
                }

                sum += part;
            }

            return sum;
        }
    }

    /// <summary>Planes of images: the pixels of a channel lie together.</summary>
    private struct PlaneBody<S, V> : IParallelBody
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        public Problem Of;

        [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
        public readonly void Run(int begin, int end, int worker)
        {
            for (int channel = begin; channel < end; channel++)
            {
                double sum = 0;
                for (int n = 0; n < Of.Outer; n++)
                {
                    float* plane = Of.Dy + ((((long)n * Of.Channels) + channel) * Of.Inner);
                    for (int first = 0; first < Of.Inner; first += Chain * S.Width)
                    {
                        sum += Stretch(plane + first, Math.Min(Chain * S.Width, Of.Inner - first));
                    }
                }

                Of.Store(channel, (float)sum);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static float Stretch(float* x, int count)
        {
            V part = S.Zero;
            int i = 0;
            for (; i + S.Width <= count; i += S.Width)
            {
                part = S.Add(part, S.Load(x + i));
            }

            float sum = S.Sum(part);
            for (; i < count; i++)
            {
                sum += x[i];
            }

            return sum;
        }
    }
}
