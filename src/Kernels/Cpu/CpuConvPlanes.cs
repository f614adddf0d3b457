using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace SmartFrz.Kernels.Cpu;

/// <summary>
/// The source of a convolution, laid out so that every tap is a plain offset: for each channel and column tap a copy of the source moved
/// by that tap, padding written out, with rows exactly as wide as the output. Then the pixels that a tap brings to consecutive
/// outputs are consecutive too, over the ends of rows, whatever width, padding, stride and dilation.
/// </summary>
/// <remarks>
/// Row taps share a copy, since another row is another offset: for a 3x3 filter three copies stand for nine. With a row stride there is one
/// copy for each remainder that occurs. Several small images can be put behind one another; then each row tap has a copy of
/// its own (that is, im2col), because rows of one image must not be seen from the next.
/// </remarks>
internal unsafe struct CpuConvPlanes
{
    private readonly CpuTapAxis _rows, _columns;
    private readonly bool _ownRows;
    private readonly int _copies;

    public CpuConvPlanes(CpuTapAxis rows, CpuTapAxis columns, int stripRows, int images)
    {
        _rows = rows;
        _columns = columns;
        StripRows = stripRows;
        Images = images;
        int shared = 0;
        for (int r = 0; r < rows.Stride; r++)
        {
            shared += SharedRows(r, out _);
        }

        _ownRows = images > 1 || (long)rows.Taps * stripRows <= shared;
        _copies = _ownRows ? rows.Taps : rows.Stride;
        int floats = (_ownRows ? rows.Taps * stripRows * images : shared) * columns.Out;

        // Whole cache lines, and not a power of two apart: lines a multiple of 4 KB apart share one set of the first-level cache.
        Pitch = (floats + 15) & ~15;
        Pitch += Pitch % 256 == 0 ? 16 : 0;
    }

    /// <summary>Output rows of an image that one strip covers.</summary>
    public int StripRows { get; }

    /// <summary>Images behind one another.</summary>
    public int Images { get; }

    /// <summary>Floats from one (channel, column tap) to the next.</summary>
    public int Pitch { get; }

    /// <summary>Floats for that many channels, with room for a tile that reads past the last pixel.</summary>
    public readonly long Floats(int channels) => ((long)channels * _columns.Taps * Pitch) + 64;

    /// <summary>Where the row of each (channel, row tap, column tap) begins, in this order.</summary>
    public readonly void WriteOffsets(int channels, int* offsets)
    {
        for (int c = 0; c < channels; c++)
        {
            for (int r = 0; r < _rows.Taps; r++)
            {
                for (int s = 0; s < _columns.Taps; s++)
                {
                    *offsets++ = (((c * _columns.Taps) + s) * Pitch) + (RowOfTap(r) * _columns.Out);
                }
            }
        }
    }

    /// <summary>
    /// Fills the planes for output rows [y, y + rows) of one image, the number <paramref name="image"/> of those behind one another.
    /// </summary>
    /// <param name="source">The image's first channel.</param>
    /// <param name="channels">Channels to do.</param>
    /// <param name="y">First output row.</param>
    /// <param name="rows">Output rows, at most <see cref="StripRows"/>.</param>
    /// <param name="image">Below <see cref="Images"/>.</param>
    /// <param name="planes">Where to write.</param>
    public readonly void Fill(float* source, int channels, int y, int rows, int image, float* planes)
    {
        for (int copy = 0; copy < _copies; copy++)
        {
            int count, start, first;
            if (_ownRows)
            {
                first = _rows.Shift(copy);
                start = ((copy * Images) + image) * StripRows;
                count = rows;
            }
            else
            {
                int shared = SharedRows(copy, out first);
                if (shared == 0)
                {
                    continue;
                }

                count = shared - StripRows + rows;
                start = SharedStart(copy);
            }

            float* target = planes + (start * _columns.Out);
            float* channel = source;
            for (int c = 0; c < channels; c++, channel += _rows.Source * _columns.Source)
            {
                for (int s = 0; s < _columns.Taps; s++, target += Pitch)
                {
                    FillPlane(channel, (y * _rows.Stride) + first, count, _columns.Shift(s), target);
                }
            }
        }
    }

    private static int Mod(int a, int n) => ((a % n) + n) % n;

    // The rows of the copy that all row taps with this remainder share; first is the source row of its first row for output row 0.
    private readonly int SharedRows(int remainder, out int first)
    {
        int min = int.MaxValue, max = int.MinValue;
        for (int r = 0; r < _rows.Taps; r++)
        {
            int shift = _rows.Shift(r);
            if (Mod(shift, _rows.Stride) == remainder)
            {
                min = Math.Min(min, shift);
                max = Math.Max(max, shift);
            }
        }

        first = min;
        return min == int.MaxValue ? 0 : StripRows + ((max - min) / _rows.Stride);
    }

    private readonly int SharedStart(int remainder)
    {
        int start = 0;
        for (int r = 0; r < remainder; r++)
        {
            start += SharedRows(r, out _);
        }

        return start;
    }

    private readonly int RowOfTap(int r)
    {
        if (_ownRows)
        {
            return r * Images * StripRows;
        }

        int remainder = Mod(_rows.Shift(r), _rows.Stride);
        SharedRows(remainder, out int first);
        return SharedStart(remainder) + ((_rows.Shift(r) - first) / _rows.Stride);
    }

    // One copy of one channel: rows y, y + stride, … of the source, moved by the column tap's shift.
    private readonly void FillPlane(float* channel, int y, int rows, int shift, float* target)
    {
        int width = _columns.Out;
        _columns.Inside(shift, out int begin, out int end);
        bool whole = _rows.Stride == 1 && _columns.Stride == 1 && width == _columns.Source;
        for (int j = 0; j < rows; j++, y += _rows.Stride, target += width)
        {
            if ((uint)y >= (uint)_rows.Source || begin >= end)
            {
                NativeMemory.Clear(target, (nuint)width * sizeof(float));
                continue;
            }

            if (whole)
            {
                // Rows as wide as the source: all of them are one run, and what spilled over the ends of rows is cleared after.
                int run = Math.Min(rows - j, _rows.Source - y);
                CpuPanels.CopyRun(channel + (y * width) + begin + shift, target + begin, ((run - 1) * width) + end - begin);
                ClearEnds(target, run, width, begin, end);
                j += run - 1;
                y += run - 1;
                target += (run - 1) * width;
                continue;
            }

            float* row = channel + (y * _columns.Source) + (begin * _columns.Stride) + shift;
            if (_columns.Stride == 1)
            {
                CpuPanels.CopyRun(row, target + begin, end - begin);
            }
            else
            {
                for (int x = begin; x < end; x++, row += _columns.Stride)
                {
                    target[x] = *row;
                }
            }

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
