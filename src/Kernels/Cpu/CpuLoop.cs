using System.Runtime.CompilerServices;

namespace SmartFrz.Kernels.Cpu;

/// <summary>The body of an elementwise loop: one vector, and the last few elements.</summary>
internal interface ICpuChunk
{
    /// <summary>Does the vector that begins at element <paramref name="i"/>.</summary>
    void Vector<S, V>(long i)
        where S : struct, ISimd<V>
        where V : unmanaged;

    /// <summary>Does the last <paramref name="n"/> elements, fewer than a vector, from element <paramref name="i"/> on.</summary>
    void Tail<S, V>(long i, int n)
        where S : struct, ISimd<V>
        where V : unmanaged;
}

/// <summary>Runs an elementwise body over all elements: threads over blocks, vectors within a block.</summary>
internal struct CpuLoop<TChunk>(TChunk chunk, CpuContext cpu, long count) : ISimdAction
    where TChunk : unmanaged, ICpuChunk
{
    // Elements a thread takes at a time: a multiple of every vector width, small enough to stay in a first-level cache.
    private const int BlockElements = 2048;

    // Below this a second thread costs more than it brings (a fork and join is a few microseconds).
    private const int BlocksPerPiece = 8;

    private readonly TChunk _chunk = chunk;

    public void Run() => cpu.Isa.Run(ref this);

    public readonly void Run<S, V>()
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        var body = new Body<S, V> { Chunk = _chunk, Count = count };
        cpu.Pool.For((int)((count + BlockElements - 1) / BlockElements), BlocksPerPiece, ref body);
    }

    private struct Body<S, V> : IParallelBody
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        public TChunk Chunk;
        public long Count;

        [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
        public readonly void Run(int begin, int end, int worker)
        {
            var chunk = Chunk;
            long i = (long)begin * BlockElements;
            long stop = Math.Min(Count, (long)end * BlockElements);
            for (; i + S.Width <= stop; i += S.Width)
            {
                chunk.Vector<S, V>(i);
            }

            if (i < stop)
            {
                chunk.Tail<S, V>(i, (int)(stop - i));
            }
        }
    }
}
