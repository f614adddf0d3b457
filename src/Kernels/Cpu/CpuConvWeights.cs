using System.Runtime.CompilerServices;

namespace SmartFrz.Kernels.Cpu;

/// <summary>
/// The weights of one pass, packed into the panels of <see cref="CpuTile"/>: for each group and block of source channels, for
/// each tile of output channels, the numbers of all taps. Forward, output channels are K and source channels C; in the input gradient
/// the other way round, with a part of the taps.
/// </summary>
internal unsafe struct CpuConvWeights
{
    /// <summary>The weight [K, C/groups, R, S].</summary>
    public float* W;

    /// <summary>The packed panels.</summary>
    public float* Packed;

    public int R, S, K, C, Groups;
    public bool Backward;
    public int RowTap, RowTapStep, RowTaps, ColumnTap, ColumnTapStep, ColumnTaps;
    public int Tiles, ChannelBlocks;

    /// <summary>Output channels of one group.</summary>
    public readonly int Out => Backward ? C : K;

    /// <summary>Source channels of one group.</summary>
    public readonly int Source => Backward ? K : C;

    public readonly int Taps => RowTaps * ColumnTaps;

    public readonly long Floats => (long)Groups * Out * Source * Taps;

    /// <summary>The first source channel of a block.</summary>
    public readonly int BlockStart(int block) => (int)((long)block * Source / ChannelBlocks);

    /// <summary>The first output channel of a tile. Rows are dealt out evenly, so that no tile is much lower than the others.</summary>
    public readonly int TileStart(int tile) => (int)((long)tile * Out / Tiles);

    /// <summary>The panel of a tile in a block of channels of a group.</summary>
    public readonly float* Panel(int group, int block, int tile)
    {
        long channels = BlockStart(block + 1) - BlockStart(block);
        return Packed + ((((long)group * Source) + BlockStart(block)) * Out * Taps) + (TileStart(tile) * channels * Taps);
    }

    /// <summary>Packs some tiles of one group for all blocks.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Pack(int group, int firstTile, int lastTile)
    {
        for (int block = 0; block < ChannelBlocks; block++)
        {
            int from = BlockStart(block), to = BlockStart(block + 1);
            if (!Backward)
            {
                // All taps in the weight's own order: each row of the panel is one run of the weight.
                nint filter = (nint)C * R * S;
                for (int tile = firstTile; tile < lastTile; tile++)
                {
                    int row = TileStart(tile), rows = TileStart(tile + 1) - row;
                    CpuPanels.Transpose(
                        W + ((((long)group * K) + row) * filter) + (from * R * S), filter, rows, (to - from) * R * S, Panel(group, block, tile), rows);
                }

                continue;
            }

            // What the tiles need of a source channel lies side by side.
            for (int k = from; k < to; k++)
            {
                float* filters = W + ((((long)group * K) + k) * C * R * S);
                for (int tile = firstTile; tile < lastTile; tile++)
                {
                    int row = TileStart(tile), rows = TileStart(tile + 1) - row;
                    PackTaps(filters + (row * R * S), rows, Panel(group, block, tile) + ((nint)(k - from) * Taps * rows));
                }
            }
        }
    }

    // The numbers of one source channel for the rows of one tile.
    private readonly void PackTaps(float* filters, int rows, float* panel)
    {
        if (R * S == 1)
        {
            CpuPanels.CopyRun(filters, panel, rows);
            return;
        }

        if (Taps == R * S)
        {
            // All of them, in the filter's own order.
            CpuPanels.Transpose(filters, R * S, rows, R * S, panel, rows);
            return;
        }

        for (int r = 0; r < RowTaps; r++)
        {
            for (int s = 0; s < ColumnTaps; s++, panel += rows)
            {
                float* tap = filters + ((RowTap + (r * RowTapStep)) * S) + ColumnTap + (s * ColumnTapStep);
                for (int i = 0; i < rows; i++)
                {
                    panel[i] = tap[i * R * S];
                }
            }
        }
    }
}
