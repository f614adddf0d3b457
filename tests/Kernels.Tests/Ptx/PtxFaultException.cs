namespace SmartFrz.Kernels.Tests;

/// <summary>What a kernel can do wrong while it runs.</summary>
internal enum PtxFault
{
    /// <summary>Memory that no operand of the launch owns.</summary>
    OutOfBounds,

    /// <summary>An address that is no multiple of the access's size.</summary>
    Misaligned,

    /// <summary>A register or memory that nothing has written.</summary>
    Uninitialised,

    /// <summary>Two threads touch the same memory with nothing between them that orders it, and one writes.</summary>
    Race,

    /// <summary>Threads of a warp do not come to a barrier together.</summary>
    BarrierDivergence,

    /// <summary>Threads of a warp disagree at a branch that says they never do.</summary>
    DivergentUniformBranch,

    /// <summary>An instruction for whole warps meets a warp that is not whole, or a lane that is not there.</summary>
    IncompleteWarp,

    /// <summary>The kernel does not come to an end.</summary>
    Endless,
}

/// <summary>A kernel did something that hardware would punish or leave undefined.</summary>
internal sealed class PtxFaultException(PtxFault fault, string message) : Exception($"{fault}: {message}")
{
    /// <summary>What.</summary>
    public PtxFault Fault { get; } = fault;
}
