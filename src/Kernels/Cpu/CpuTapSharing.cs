namespace SmartFrz.Kernels.Cpu;

/// <summary>
/// Which copies of the source the taps of one axis read. Each tap may have its own copy, moved by the tap's shift; or taps whose shifts
/// have the same remainder by the stride share one, in which another tap is another position.
/// </summary>
internal readonly struct CpuTapSharing(CpuTapAxis axis, bool own)
{
    /// <summary>Whether each tap has its own copy.</summary>
    public bool Own { get; } = own;

    /// <summary>Number of copies; a shared one may be empty.</summary>
    public int Copies => Own ? axis.Taps : axis.Stride;

    /// <summary>The copy that a tap reads.</summary>
    public int CopyOf(int tap) => Own ? tap : Remainder(axis.Shift(tap));

    /// <summary>Where in its copy the tap meets output 0.</summary>
    public int PositionOf(int tap)
    {
        Length(CopyOf(tap), 0, out int first);
        return (axis.Shift(tap) - first) / axis.Stride;
    }

    /// <summary>Positions that a copy needs for that many outputs (none if no tap reads it), and the source position of its first.</summary>
    public int Length(int copy, int outputs, out int first)
    {
        if (Own)
        {
            first = axis.Shift(copy);
            return outputs;
        }

        int min = int.MaxValue, max = int.MinValue;
        for (int tap = 0; tap < axis.Taps; tap++)
        {
            int shift = axis.Shift(tap);
            if (Remainder(shift) == copy)
            {
                min = Math.Min(min, shift);
                max = Math.Max(max, shift);
            }
        }

        first = min;
        return min == int.MaxValue ? 0 : outputs + ((max - min) / axis.Stride);
    }

    /// <summary>Where a copy begins when they lie behind one another; with their number, the length of all.</summary>
    public int Start(int copy, int outputs)
    {
        int start = 0;
        for (int before = 0; before < copy; before++)
        {
            start += Length(before, outputs, out _);
        }

        return start;
    }

    /// <summary>Positions of the longest copy.</summary>
    public int Longest(int outputs)
    {
        int longest = outputs;
        for (int copy = 0; copy < Copies; copy++)
        {
            longest = Math.Max(longest, Length(copy, outputs, out _));
        }

        return longest;
    }

    private int Remainder(int shift) => ((shift % axis.Stride) + axis.Stride) % axis.Stride;
}
