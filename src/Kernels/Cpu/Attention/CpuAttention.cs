using System.Runtime.CompilerServices;

namespace SmartFrz.Kernels.Cpu;

/// <summary>The memory of an attention and of its gradients; what a pass does not read is null.</summary>
internal unsafe struct CpuAttentionOperands
{
    public AttentionShape Shape;
    public float* Q, K, V, Terms, Dy, Lse, Delta;
    public int* Lengths;

    public static CpuAttentionOperands Of(AttentionShape shape, in AttentionSaved saved) => new()
    {
        Shape = shape,
        Q = CpuContext.Floats(saved.Q),
        K = CpuContext.Floats(saved.K),
        V = CpuContext.Floats(saved.V),
        Terms = CpuContext.Floats(saved.Terms),
        Dy = CpuContext.Floats(saved.Dy),
        Lse = CpuContext.Floats(saved.Lse),
        Delta = CpuContext.Floats(saved.Delta),
        Lengths = CpuContext.Pointer<int>(saved.Lengths),
    };

    /// <summary>How many keys of a head count.</summary>
    public readonly int Keys(int head) => Lengths == null ? Shape.Tk : Math.Clamp(Lengths[head / Shape.H], 0, Shape.Tk);

    /// <summary>The terms of a head's keys, or null.</summary>
    public readonly float* TermsOf(int head) => Shape.HasTerms ? Terms + ((long)(head / Shape.H) * Shape.Tk) : null;

    /// <summary>Where a head begins in q, dy and the like.</summary>
    public readonly long Query(int head) => (long)head * Shape.Tq * Shape.D;

    /// <summary>Where a head begins in k, v and their gradients.</summary>
    public readonly long Key(int head) => (long)head * Shape.Tk * Shape.D;
}

/// <summary>A pass over an attention, head by head: what a worker packs once for a head, and what it does for a panel of the head.</summary>
internal unsafe interface ICpuAttentionPass
{
    /// <summary>Queries or keys that are cut into panels, two registers of them each.</summary>
    int Lanes { get; }

    /// <summary>Floating-point operations of all heads.</summary>
    long Flops { get; }

    /// <summary>The sizes.</summary>
    AttentionShape Shape { get; }

    /// <summary>Whether one worker does all panels of a head, one after the other.</summary>
    bool WholeHeads { get; }

    /// <summary>Floats of memory that a worker needs.</summary>
    long ScratchFloats<S, V>()
        where S : struct, ISimd<V>
        where V : unmanaged;

    /// <summary>Packs what all panels of a head read.</summary>
    void Begin<S, V>(float* scratch, int head)
        where S : struct, ISimd<V>
        where V : unmanaged;

    /// <summary>Does the panel whose first lane is that query or key.</summary>
    void Panel<S, V>(float* scratch, int head, int first)
        where S : struct, ISimd<V>
        where V : unmanaged;
}

/// <summary>
/// Runs a pass: threads over heads, and over parts of a head where there are few of them. What a panel computes does not depend on the cut.
/// </summary>
internal static unsafe class CpuAttention
{
    // Less work than this is not worth waking a thread for.
    private const long FlopsPerPiece = 1_000_000;

    // Pieces of work for each thread at least, where there are panels enough; each part of a head packs the head anew.
    private const int PiecesPerThread = 2;

    /// <summary>Whether whole heads keep all threads as busy as parts of heads would.</summary>
    public static bool HeadsSuffice(CpuContext cpu, AttentionShape shape) => cpu.Pool.Threads == 1 || shape.Heads >= PiecesPerThread * cpu.Pool.Threads;

    public static void Run<TPass>(CpuContext cpu, TPass pass)
        where TPass : unmanaged, ICpuAttentionPass
    {
        var call = new Call<TPass> { Pool = cpu.Pool, Pass = pass };
        cpu.Isa.Run(ref call);
    }

    private struct Call<TPass> : ISimdAction
        where TPass : unmanaged, ICpuAttentionPass
    {
        public CpuPool Pool;
        public TPass Pass;

        public readonly void Run<S, V>()
            where S : struct, ISimd<V>
            where V : unmanaged
        {
            int heads = Pass.Shape.Heads, panels = (Pass.Lanes + (2 * S.Width) - 1) / (2 * S.Width);
            if (heads == 0 || panels == 0)
            {
                return;
            }

            int parts = Pass.WholeHeads ? 1 : Math.Clamp(((PiecesPerThread * Pool.Threads) + heads - 1) / heads, 1, panels);
            using var alone = Pool.Exclusive();
            var body = new Body<TPass, S, V> { Pass = Pass, Scratch = Pool.Scratch(Pass.ScratchFloats<S, V>()), Panels = panels, Parts = parts };
            long flopsPerUnit = Math.Max(1, Pass.Flops / ((long)heads * parts));
            Pool.For(heads * parts, (int)Math.Clamp(FlopsPerPiece / flopsPerUnit, 1, int.MaxValue), ref body);
        }
    }

    // One index is a part of a head: some neighbouring panels.
    private struct Body<TPass, S, V> : IParallelBody
        where TPass : unmanaged, ICpuAttentionPass
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        public TPass Pass;
        public WorkerScratch Scratch;
        public int Panels, Parts;

        [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
        public void Run(int begin, int end, int worker)
        {
            float* scratch = Scratch.Of(worker);
            int packed = -1;
            for (int unit = begin; unit < end; unit++)
            {
                int head = unit / Parts, part = unit % Parts;
                if (head != packed)
                {
                    Pass.Begin<S, V>(scratch, head);
                    packed = head;
                }

                int stop = (int)((long)(part + 1) * Panels / Parts);
                for (int panel = (int)((long)part * Panels / Parts); panel < stop; panel++)
                {
                    Pass.Panel<S, V>(scratch, head, panel * 2 * S.Width);
                }
            }
        }
    }
}

/// <summary>The CPU body of <see cref="AttentionDeltaKernel"/>: threads over rows.</summary>
internal static unsafe class CpuAttentionDelta
{
    // Elements below which a second thread costs more than it brings.
    private const int Grain = 16384;

    public static void Run(CpuContext cpu, int rows, int columns, float* dy, float* y, float* delta)
    {
        var pass = new Pass { Pool = cpu.Pool, Rows = rows, Columns = columns, Dy = dy, Y = y, Delta = delta };
        cpu.Isa.Run(ref pass);
    }

    private struct Pass : ISimdAction
    {
        public CpuPool Pool;
        public int Rows, Columns;
        public float* Dy, Y, Delta;

        public readonly void Run<S, V>()
            where S : struct, ISimd<V>
            where V : unmanaged
        {
            var body = new Body<S, V> { Columns = Columns, Dy = Dy, Y = Y, Delta = Delta };
            Pool.For(Rows, Math.Max(1, Grain / Math.Max(1, Columns)), ref body);
        }
    }

    private struct Body<S, V> : IParallelBody
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        public int Columns;
        public float* Dy, Y, Delta;

        public readonly void Run(int begin, int end, int worker)
        {
            for (int row = begin; row < end; row++)
            {
                long at = (long)row * Columns;
                Delta[row] = (float)CpuRow.Dot<S, V>(Dy + at, Y + at, Columns);
            }
        }
    }
}
