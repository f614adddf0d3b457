namespace SmartFrz.Kernels.Cpu;

/// <summary>
/// Output pixels that meet the same taps: all of a forward pass; in an input gradient those with the same remainder by the stride.
/// </summary>
internal unsafe struct CpuConvPhase
{
    // Terms summed in registers before the output is touched: what they read of the source, for one tile, stays in the first-level cache.
    private const int DepthTarget = 320;

    public CpuTapAxis Rows, Columns;

    /// <summary>The output of the first pixel.</summary>
    public float* Output;

    public CpuConvWeights Weights;
    public CpuConvPlanes Planes;
    public int* Offsets;

    /// <summary>Source channels of the largest block.</summary>
    public int BlockChannels;

    public readonly int Pixels => Rows.Out * Columns.Out;

    public readonly int Depth => BlockChannels * Weights.Taps;

    /// <summary>Decides on blocks of channels and tiles.</summary>
    public void CutChannels<S, V>()
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        int max = CpuTile.MaxRows<S, V>();
        Weights.Tiles = (Weights.Out + max - 1) / max;
        int channels = Math.Clamp(DepthTarget / Weights.Taps, 1, Weights.Source);
        Weights.ChannelBlocks = (Weights.Source + channels - 1) / channels;
        BlockChannels = (Weights.Source + Weights.ChannelBlocks - 1) / Weights.ChannelBlocks;
    }

    /// <summary>
    /// Whether column taps can share copies of the source: where a register never reaches over the end of a row, and there are output
    /// channels enough to make up for registers that straddle two cache lines.
    /// </summary>
    public readonly bool ShareColumns<S, V>(int together)
        where S : struct, ISimd<V>
        where V : unmanaged
        => together == 1 && Columns.Out % S.Width == 0 && Weights.Out > 1;
}
