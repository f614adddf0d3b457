using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace SmartFrz.Kernels.Cpu;

/// <summary>
/// The source of a convolution, laid out so that every tap is a plain offset: copies of each channel with the padding written out and
/// the stride taken apart. Taps share a copy where they can (<see cref="CpuTapSharing"/>).
/// </summary>
/// <remarks>
/// With shared columns a row is as wide as the output and the reach of the filter together, so consecutive outputs meet
/// consecutive positions up to the end of a row. With a copy for each column tap rows are exactly as wide as the output, and that goes on
/// over the ends of rows, whatever the width; row taps can still share. With a copy for each tap (that is, im2col), several small
/// images may lie behind one another.
/// </remarks>
internal readonly unsafe struct CpuConvPlanes
{
    private readonly CpuTapAxis _rows, _columns;
    private readonly CpuTapSharing _rowSharing, _columnSharing;

    /// <param name="rows">The row taps.</param>
    /// <param name="columns">The column taps.</param>
    /// <param name="stripRows">Output rows of an image that one strip covers.</param>
    /// <param name="images">Images behind one another.</param>
    /// <param name="shareColumns">Whether column taps share copies; for a single image.</param>
    public CpuConvPlanes(CpuTapAxis rows, CpuTapAxis columns, int stripRows, int images, bool shareColumns)
    {
        _rows = rows;
        _columns = columns;
        StripRows = stripRows;
        Images = images;
        _columnSharing = new CpuTapSharing(columns, own: !shareColumns);
        _rowSharing = new CpuTapSharing(rows, own: false);
        if (images > 1 || (long)rows.Taps * stripRows <= _rowSharing.Start(rows.Stride, stripRows))
        {
            _rowSharing = new CpuTapSharing(rows, own: true);
        }

        RowPitch = _columnSharing.Longest(columns.Out);

        // Whole cache lines, and not a power of two apart: lines a multiple of 4 KB apart share one set of the first-level cache.
        int floats = images * _rowSharing.Start(_rowSharing.Copies, stripRows) * RowPitch;
        Pitch = (floats + 15) & ~15;
        Pitch += Pitch % 256 == 0 ? 16 : 0;
    }

    /// <summary>Output rows of an image that one strip covers.</summary>
    public int StripRows { get; }

    /// <summary>Images behind one another.</summary>
    public int Images { get; }

    /// <summary>Floats from one row to the next.</summary>
    public int RowPitch { get; }

    /// <summary>Floats from one copy of a channel to the next.</summary>
    public int Pitch { get; }

    /// <summary>Floats from one channel to the next.</summary>
    public int ChannelPitch => _columnSharing.Copies * Pitch;

    /// <summary>Floats for that many channels, with room for a tile that reads past the last pixel.</summary>
    public long Floats(int channels) => ((long)channels * ChannelPitch) + 64;

    /// <summary>Floats for one channel and output row, about.</summary>
    public static int FloatsPerRow(CpuTapAxis columns, bool shareColumns)
    {
        var sharing = new CpuTapSharing(columns, own: !shareColumns);
        return Math.Max(1, sharing.Copies * sharing.Longest(columns.Out));
    }

    /// <summary>Where the source of output 0 for each (channel, row tap, column tap) is, in this order.</summary>
    public void WriteOffsets(int channels, int* offsets)
    {
        for (int c = 0; c < channels; c++)
        {
            for (int r = 0; r < _rows.Taps; r++)
            {
                int row = (_rowSharing.Start(_rowSharing.CopyOf(r), StripRows) * Images) + _rowSharing.PositionOf(r);
                for (int s = 0; s < _columns.Taps; s++)
                {
                    *offsets++ = (c * ChannelPitch) + (_columnSharing.CopyOf(s) * Pitch) + (row * RowPitch) + _columnSharing.PositionOf(s);
                }
            }
        }
    }

    /// <summary>Fills the planes for output rows [y, y + rows) of one image.</summary>
    /// <param name="source">The image's first channel.</param>
    /// <param name="channels">Channels to do.</param>
    /// <param name="y">First output row.</param>
    /// <param name="rows">Output rows, at most <see cref="StripRows"/>.</param>
    /// <param name="image">The image's number among those behind one another.</param>
    /// <param name="planes">Where to write.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Fill(float* source, int channels, int y, int rows, int image, float* planes)
    {
        for (int v = 0; v < _rowSharing.Copies; v++)
        {
            int height = _rowSharing.Length(v, rows, out int firstRow);
            int start = (_rowSharing.Start(v, StripRows) * Images) + (image * StripRows);
            for (int u = 0; u < _columnSharing.Copies && height > 0; u++)
            {
                int width = _columnSharing.Length(u, _columns.Out, out int firstColumn);
                if (width == 0)
                {
                    continue;
                }

                // Positions [begin, end) of a row come from the source, the others are padding.
                var row = _columns with { Out = width };
                row.Inside(firstColumn, out int begin, out int end);
                float* target = planes + (u * Pitch) + (start * RowPitch);
                float* channel = source;
                for (int c = 0; c < channels; c++, channel += _rows.Source * _columns.Source, target += ChannelPitch)
                {
                    Copy(channel, (y * _rows.Stride) + firstRow, height, width, firstColumn, begin, end, target);
                }
            }
        }
    }

    // One copy of one channel: rows y, y + stride, … of the source.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Copy(float* channel, int y, int height, int width, int firstColumn, int begin, int end, float* target)
    {
        if (begin >= end)
        {
            // Padding alone; the rows of one copy lie behind one another.
            NativeMemory.Clear(target, (nuint)((height - 1) * RowPitch + width) * sizeof(float));
            return;
        }

        // The processor's own prefetcher stops at a page, which is about where a channel ends.
        nint nextChannel = (nint)_rows.Source * _columns.Source;
        bool oneRun = _rows.Stride == 1 && _columns.Stride == 1 && width == _columns.Source && width == RowPitch;
        for (int j = 0; j < height; j++, y += _rows.Stride, target += RowPitch)
        {
            if ((uint)y >= (uint)_rows.Source)
            {
                new Span<float>(target, width).Clear();
                continue;
            }

            float* row = channel + (y * _columns.Source) + (begin * _columns.Stride) + firstColumn;
            if (oneRun)
            {
                // Rows as wide as the source: all of them are one run, and what spilled over the ends of rows is cleared after.
                int run = Math.Min(height - j, _rows.Source - y);
                CpuPanels.Prefetch(row + nextChannel, run * width);
                CpuPanels.CopyRun(row, target + begin, ((run - 1) * width) + end - begin);
                ClearEnds(target, run, width, begin, end);
                j += run - 1;
                y += run - 1;
                target += (run - 1) * width;
                continue;
            }

            CpuPanels.Prefetch(row + nextChannel, (end - begin) * _columns.Stride);
            CpuPanels.CopyEvery(row, _columns.Stride, target + begin, end - begin);
            ClearEnds(target, 1, width, begin, end);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void ClearEnds(float* target, int rows, int width, int begin, int end)
    {
        if (begin == 0 && end == width)
        {
            return;
        }

        for (int j = 0; j < rows; j++, target += width)
        {
            for (int x = 0; x < begin; x++)
            {
                target[x] = 0f;
            }

            for (int x = end; x < width; x++)
            {
                target[x] = 0f;
            }
        }
    }
}
