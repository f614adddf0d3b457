namespace SmartFrz.Kernels.Cpu;

/// <summary>
/// One part of a depthwise pass: the outputs that meet the same taps. The forward pass is one phase; the input gradient has one for
/// each remainder of the stride, some perhaps without any tap.
/// </summary>
internal unsafe struct CpuDepthwisePhase
{
    public CpuTapAxis Rows, Columns;

    /// <summary>The first of the filter's taps in this phase and the distance to the next.</summary>
    public int RowTap, RowTapStep, ColumnTap, ColumnTapStep;

    /// <summary>The output's row and column of this phase's first output.</summary>
    public int OutRow, OutColumn;

    /// <summary>For each block of channels and tap, one register of weights.</summary>
    public float* Weights;

    /// <summary>For each tap, where its source lies, in floats from that of the earliest tap of all phases.</summary>
    public int* Offsets;

    public readonly int Taps => Rows.Taps * Columns.Taps;

    /// <summary>Source positions of the first and of the last tap at output 0, along one axis.</summary>
    public static (int Low, int High) Reach(in CpuTapAxis axis) =>
        axis.Taps == 0 ? (0, 0) : (Math.Min(axis.Shift(0), axis.Shift(axis.Taps - 1)), Math.Max(axis.Shift(0), axis.Shift(axis.Taps - 1)));

    /// <summary>Writes the offsets for a plane whose row 0 and column 0 are these source positions at output 0.</summary>
    public readonly void WriteOffsets(int lowRow, int lowColumn, int columns, int width)
    {
        for (int r = 0; r < Rows.Taps; r++)
        {
            for (int s = 0; s < Columns.Taps; s++)
            {
                Offsets[(r * Columns.Taps) + s] = (((Rows.Shift(r) - lowRow) * columns) + Columns.Shift(s) - lowColumn) * width;
            }
        }
    }

    /// <summary>Lays out the weights [channels, R, S] of all blocks; absent channels are zero.</summary>
    public readonly void Pack(float* weight, int filterRows, int filterColumns, int channels, int width)
    {
        float* to = Weights;
        for (int c = 0; c < channels; c += width)
        {
            for (int r = 0; r < Rows.Taps; r++)
            {
                for (int s = 0; s < Columns.Taps; s++, to += width)
                {
                    float* tap = weight + ((nint)c * filterRows * filterColumns) + ((RowTap + (r * RowTapStep)) * filterColumns) + ColumnTap + (s * ColumnTapStep);
                    for (int i = 0; i < width; i++)
                    {
                        to[i] = c + i < channels ? tap[(nint)i * filterRows * filterColumns] : 0f;
                    }
                }
            }
        }
    }
}
