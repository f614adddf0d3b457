namespace SmartFrz.Kernels.Cpu;

/// <summary>
/// Of a convolution of small images: which source pixel each output pixel meets through each tap, or none. What would meet padding is
/// left out of the sums altogether: of 3x3 taps on a 4x4 image that is a third, on a 2x2 image more than half.
/// </summary>
internal unsafe struct CpuTapMap
{
    public const int None = -1;

    private int* _source;

    public int Outputs, Sources, Taps;

    /// <summary>The map of a forward pass, or that of the input gradient, whose outputs are the input's pixels.</summary>
    public static CpuTapMap Of(in Conv2dShape s, bool backward, int* memory)
    {
        int input = s.H * s.W, output = s.P * s.Q;
        var map = new CpuTapMap { _source = memory, Taps = s.R * s.S, Outputs = backward ? input : output, Sources = backward ? output : input };
        new Span<int>(memory, map.Outputs * map.Taps).Fill(None);
        for (int p = 0; p < s.P; p++)
        {
            for (int q = 0; q < s.Q; q++)
            {
                for (int tap = 0; tap < map.Taps; tap++)
                {
                    int h = (p * s.StrideH) - s.PadH + (tap / s.S * s.DilationH), w = (q * s.StrideW) - s.PadW + (tap % s.S * s.DilationW);
                    if ((uint)h < (uint)s.H && (uint)w < (uint)s.W)
                    {
                        int near = (p * s.Q) + q, far = (h * s.W) + w;
                        memory[((backward ? far : near) * map.Taps) + tap] = backward ? near : far;
                    }
                }
            }
        }

        return map;
    }

    /// <summary>Integers of a map.</summary>
    public static int Length(in Conv2dShape s, bool backward) => (backward ? s.H * s.W : s.P * s.Q) * s.R * s.S;

    /// <summary>The source pixel, or <see cref="None"/>.</summary>
    public readonly int Source(int output, int tap) => _source[(output * Taps) + tap];

    /// <summary>The next run of taps that meet pixels, from a tap on; false if there is none.</summary>
    public readonly bool NextTaps(int output, ref int from, out int end)
    {
        while (from < Taps && Source(output, from) == None)
        {
            from++;
        }

        end = from;
        while (end < Taps && Source(output, end) != None)
        {
            end++;
        }

        return end > from;
    }

    /// <summary>The next run of output pixels that meet one through a tap, from a pixel on; false if there is none.</summary>
    public readonly bool NextOutputs(int tap, ref int from, out int end)
    {
        while (from < Outputs && Source(from, tap) == None)
        {
            from++;
        }

        end = from;
        while (end < Outputs && Source(end, tap) != None)
        {
            end++;
        }

        return end > from;
    }
}
