using System.Runtime.CompilerServices;

namespace SmartFrz.Kernels.Cpu;

/// <summary>How elementwise passes over a batch of channels are cut: runs of one channel, or whole samples where planes are tiny.</summary>
internal static class CpuBatchNormRuns
{
    // Elements that a thread takes at least: a fork and join is a few microseconds.
    private const int ElementsPerPiece = 16384;

    public static void For<TBody>(CpuPool pool, BatchNormShape shape, ref TBody body)
        where TBody : unmanaged, IParallelBody
    {
        bool columns = CpuBatchNormCut.IsByColumns(shape);
        int runs = columns ? shape.N : shape.N * shape.C;
        pool.For(runs, Math.Max(1, ElementsPerPiece / Math.Max(1, columns ? shape.Row : shape.Plane)), ref body);
    }
}

/// <summary>Where the mask of a fused ReLU comes from, as a type: the test of it is gone when the loop is compiled.</summary>
internal interface ICpuReluMask
{
    static abstract ReluMask From { get; }
}

/// <summary>Runs with the mask as a type.</summary>
internal interface ICpuReluMasked
{
    void Run<S, V, TRelu>()
        where S : struct, ISimd<V>
        where V : unmanaged
        where TRelu : unmanaged, ICpuReluMask;
}

internal static class CpuReluMask
{
    /// <summary>Runs with the type of that mask.</summary>
    public static void Dispatch<S, V, TPass>(ReluMask mask, ref TPass pass)
        where S : struct, ISimd<V>
        where V : unmanaged
        where TPass : struct, ICpuReluMasked
    {
        switch (mask)
        {
            case ReluMask.FromInput:
                pass.Run<S, V, CpuReluFromInput>();
                break;
            case ReluMask.FromOutput:
                pass.Run<S, V, CpuReluFromOutput>();
                break;
            case ReluMask.SixFromInput:
                pass.Run<S, V, CpuRelu6FromInput>();
                break;
            case ReluMask.SixFromOutput:
                pass.Run<S, V, CpuRelu6FromOutput>();
                break;
            default:
                pass.Run<S, V, CpuNoRelu>();
                break;
        }
    }

    /// <summary>The output's gradient where the ReLU let the element through; the value is the output's, or normalised again.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Open<S, V, TRelu>(V value, V dy)
        where S : struct, ISimd<V>
        where V : unmanaged
        where TRelu : unmanaged, ICpuReluMask
    {
        V g = S.And(S.Greater(value, S.Zero), dy);
        return TRelu.From is ReluMask.SixFromInput or ReluMask.SixFromOutput ? S.And(S.Greater(S.Set(6f), value), g) : g;
    }
}

internal struct CpuNoRelu : ICpuReluMask
{
    public static ReluMask From => ReluMask.None;
}

internal struct CpuReluFromInput : ICpuReluMask
{
    public static ReluMask From => ReluMask.FromInput;
}

internal struct CpuReluFromOutput : ICpuReluMask
{
    public static ReluMask From => ReluMask.FromOutput;
}

internal struct CpuRelu6FromInput : ICpuReluMask
{
    public static ReluMask From => ReluMask.SixFromInput;
}

internal struct CpuRelu6FromOutput : ICpuReluMask
{
    public static ReluMask From => ReluMask.SixFromOutput;
}
