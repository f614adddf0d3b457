using System.Runtime.CompilerServices;

namespace SmartFrz.Kernels.Cpu;

/// <summary>The body of a strided loop: elements along the innermost axis.</summary>
internal interface IStridedSegment
{
    /// <summary>
    /// Does <paramref name="n"/> elements from element <paramref name="index"/> of the walk on; the two arrays stand at
    /// <paramref name="first"/> and <paramref name="second"/> and move by the given steps.
    /// </summary>
    void Run<S, V>(long index, long first, long second, int n, int firstStep, int secondStep)
        where S : struct, ISimd<V>
        where V : unmanaged;
}

/// <summary>Runs a body over a <see cref="StridedPair"/>: threads over blocks of elements, one call a stretch of the innermost axis.</summary>
internal struct StridedLoop<TSegment>(TSegment segment, CpuContext cpu, in StridedPair pair) : ISimdAction
    where TSegment : unmanaged, IStridedSegment
{
    // As in CpuLoop: a block stays in a first-level cache, a piece is worth a fork.
    private const int BlockElements = 2048, BlocksPerPiece = 8;

    private readonly TSegment _segment = segment;
    private readonly StridedPair _pair = pair;

    public void Run() => cpu.Isa.Run(ref this);

    public readonly void Run<S, V>()
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        var body = new Body<S, V> { Segment = _segment, Pair = _pair, Count = _pair.Elements };
        cpu.Pool.For((int)((body.Count + BlockElements - 1) / BlockElements), BlocksPerPiece, ref body);
    }

    private unsafe struct Body<S, V> : IParallelBody
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        public TSegment Segment;
        public StridedPair Pair;
        public long Count;

        [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
        public readonly void Run(int begin, int end, int worker)
        {
            const int Inner = Axes.Count - 1;
            var (segment, pair) = (Segment, Pair);
            long i = (long)begin * BlockElements;
            long stop = Math.Min(Count, (long)end * BlockElements);
            int* c = stackalloc int[Axes.Count];
            long first = 0, second = 0, rest = i;
            for (int axis = Inner; axis >= 0; axis--)
            {
                c[axis] = (int)(rest % pair.Extents[axis]);
                rest /= pair.Extents[axis];
                first += (long)c[axis] * pair.First[axis];
                second += (long)c[axis] * pair.Second[axis];
            }

            int inner = pair.Extents.A5, firstStep = pair.First.A5, secondStep = pair.Second.A5;
            while (i < stop)
            {
                int n = (int)Math.Min(inner - c[Inner], stop - i);
                segment.Run<S, V>(i, first, second, n, firstStep, secondStep);
                i += n;
                c[Inner] += n;
                first += (long)n * firstStep;
                second += (long)n * secondStep;
                for (int axis = Inner; axis > 0 && c[axis] == pair.Extents[axis]; axis--)
                {
                    first += pair.First[axis - 1] - ((long)c[axis] * pair.First[axis]);
                    second += pair.Second[axis - 1] - ((long)c[axis] * pair.Second[axis]);
                    c[axis] = 0;
                    c[axis - 1]++;
                }
            }
        }
    }
}
