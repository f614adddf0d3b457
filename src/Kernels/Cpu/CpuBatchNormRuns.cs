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
