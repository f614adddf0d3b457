namespace SmartFrz.Kernels.Tests;

/// <summary>How an instruction is carried out.</summary>
internal enum PtxOpKind
{
    /// <summary>Each lane by itself, registers to register.</summary>
    Lane,

    /// <summary>From memory to registers.</summary>
    Load,

    /// <summary>From registers to memory.</summary>
    Store,

    /// <summary>Read, change and write memory in one go.</summary>
    Atomic,

    /// <summary>To a label.</summary>
    Branch,

    /// <summary>The thread ends.</summary>
    Exit,

    /// <summary>The threads of a group meet.</summary>
    Barrier,

    /// <summary>The threads of a warp meet.</summary>
    WarpBarrier,

    /// <summary>All lanes of a warp together.</summary>
    Warp,

    /// <summary>A copy from global to shared memory that ends at a later wait.</summary>
    CopyAsync,

    /// <summary>The copies so far become one batch.</summary>
    CopyCommit,

    /// <summary>Waits for batches of copies.</summary>
    CopyWait,

    /// <summary>Nothing that shows here: memory fences, prefetches.</summary>
    Nothing,
}

/// <summary>The memories of a kernel.</summary>
internal enum PtxSpace
{
    /// <summary>Told by the address.</summary>
    Generic,

    /// <summary>The device's.</summary>
    Global,

    /// <summary>The group's.</summary>
    Shared,

    /// <summary>The thread's.</summary>
    Local,

    /// <summary>The launch's arguments.</summary>
    Param,
}

/// <summary>What a lane computes from up to three registers.</summary>
internal delegate ulong PtxLaneFunction(ulong a, ulong b, ulong c);

/// <summary>What a whole warp does.</summary>
internal delegate void PtxWarpFunction(PtxWarp warp, PtxOp op, uint mask);

/// <summary>An instruction as the interpreter wants it: registers by number, constants in registers of their own.</summary>
internal sealed class PtxOp
{
    public required PtxOpKind Kind { get; init; }

    /// <summary>As it stands in the text.</summary>
    public required string Text { get; init; }

    /// <summary>The predicate register that decides; -1 for none.</summary>
    public int Guard { get; init; } = -1;

    public bool GuardNegated { get; init; }

    public int[] Written { get; init; } = [];

    public int[] Read { get; init; } = [];

    public PtxLaneFunction? Lane { get; init; }

    public PtxWarpFunction? Warp { get; init; }

    public PtxSpace Space { get; init; }

    /// <summary>Bytes of one element of a memory access, or of a copy.</summary>
    public int Bytes { get; init; }

    /// <summary>Whether what is loaded keeps its sign.</summary>
    public bool Signed { get; init; }

    /// <summary>Added to the address, which is the first register read.</summary>
    public long Offset { get; init; }

    /// <summary>Where a branch goes.</summary>
    public int Target { get; init; }

    /// <summary>Where threads that part here meet again.</summary>
    public int Reconvergence { get; set; } = -1;

    /// <summary>Whether a branch claims that no threads part.</summary>
    public bool Uniform { get; init; }

    /// <summary>Batches that may be left after a wait for copies.</summary>
    public int Left { get; init; }
}
