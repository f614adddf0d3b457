namespace SmartFrz.Kernels.Cpu;

/// <summary>
/// A part of an image with channels in the lanes of a register: [rows][columns][S.Width], one register of channels at a time. What
/// lies outside the image is zero, and so are the lanes of channels that do not exist.
/// </summary>
/// <param name="FirstColumn">Column of the image at the plane's column 0; may lie outside.</param>
/// <param name="Columns">Columns of the plane.</param>
/// <param name="ImageRows">Rows of the image.</param>
/// <param name="ImageColumns">Columns of the image.</param>
internal readonly record struct CpuLanePlane(int FirstColumn, int Columns, int ImageRows, int ImageColumns)
{
    /// <summary>Floats of so many rows.</summary>
    public long Floats(int rows, int width) => (long)rows * Columns * width;

    /// <summary>Turns some rows of a block of channels, the first of which begins at <paramref name="image"/>.</summary>
    public unsafe void Fill<S, V>(float* image, int channels, int firstRow, int rows, float* plane)
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        nint channel = (nint)ImageRows * ImageColumns;
        int begin = Math.Clamp(-FirstColumn, 0, Columns), end = Math.Clamp(ImageColumns - FirstColumn, begin, Columns);
        if (begin == 0 && end == Columns && Columns == ImageColumns && firstRow >= 0 && firstRow + rows <= ImageRows)
        {
            // Whole rows and no padding: one run.
            CpuPanels.Transpose(image + ((nint)firstRow * ImageColumns), channel, channels, rows * Columns, plane, S.Width);
            return;
        }

        for (int i = 0; i < rows; i++, plane += Columns * S.Width)
        {
            int row = firstRow + i;
            if (row < 0 || row >= ImageRows)
            {
                Clear<S, V>(plane, Columns);
                continue;
            }

            Clear<S, V>(plane, begin);
            CpuPanels.Transpose(image + ((nint)row * ImageColumns) + FirstColumn + begin, channel, channels, end - begin, plane + (begin * S.Width), S.Width);
            Clear<S, V>(plane + (end * S.Width), Columns - end);
        }
    }

    /// <summary>The way back, for a plane whose column 0 is the image's.</summary>
    public unsafe void Empty<S, V>(float* plane, int channels, int firstRow, int rows, float* image)
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        int channel = ImageRows * ImageColumns;
        image += (nint)firstRow * ImageColumns;
        if (Columns == ImageColumns)
        {
            CpuPanels.TransposeOut(plane, S.Width, channels, rows * Columns, image, channel);
            return;
        }

        for (int i = 0; i < rows; i++, plane += Columns * S.Width, image += ImageColumns)
        {
            CpuPanels.TransposeOut(plane, S.Width, channels, ImageColumns, image, channel);
        }
    }

    private static unsafe void Clear<S, V>(float* to, int columns)
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        for (int i = 0; i < columns; i++)
        {
            S.Store(to + (i * S.Width), S.Zero);
        }
    }
}
