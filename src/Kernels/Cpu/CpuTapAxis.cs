namespace SmartFrz.Kernels.Cpu;

/// <summary>
/// One axis of a convolution: output position o and tap i meet source position o*Stride + First + i*Step, which counts as zero
/// outside the source. The forward pass and, for each remainder of the stride, the input gradient are both of this form.
/// </summary>
/// <param name="Taps">Number of taps; may be zero.</param>
/// <param name="First">Source position of tap 0 at output 0.</param>
/// <param name="Step">Source positions from one tap to the next; negative in a gradient.</param>
/// <param name="Stride">Source positions from one output to the next.</param>
/// <param name="Source">Length of the source.</param>
/// <param name="Out">Length of the output.</param>
internal readonly record struct CpuTapAxis(int Taps, int First, int Step, int Stride, int Source, int Out)
{
    /// <summary>The axis of a forward pass.</summary>
    public static CpuTapAxis Forward(int filter, int stride, int pad, int dilation, int source, int output) =>
        new(filter, -pad, dilation, stride, source, output);

    /// <summary>
    /// The axis that yields the input gradient at positions phase, phase + stride, …; its taps are the filter's taps
    /// <paramref name="firstTap"/>, <paramref name="firstTap"/> + <paramref name="tapStep"/>, ….
    /// </summary>
    public static CpuTapAxis Backward(int filter, int stride, int pad, int dilation, int input, int output, int phase, out int firstTap, out int tapStep)
    {
        // Input h takes from output p through tap r where p*stride - pad + r*dilation = h. Tap r serves this phase if
        // h + pad - r*dilation divides by the stride; the taps that do are this far apart:
        tapStep = stride / CommonDivisor(stride, dilation);
        firstTap = 0;
        while (firstTap < Math.Min(tapStep, filter) && (phase + pad - (firstTap * dilation)) % stride != 0)
        {
            firstTap++;
        }

        int places = phase < input ? ((input - phase - 1) / stride) + 1 : 0;
        if (firstTap >= Math.Min(tapStep, filter))
        {
            return new CpuTapAxis(0, 0, 1, 1, output, places);
        }

        int taps = ((filter - firstTap - 1) / tapStep) + 1;
        return new CpuTapAxis(taps, (phase + pad - (firstTap * dilation)) / stride, -(tapStep * dilation / stride), 1, output, places);
    }

    /// <summary>Source position of tap i at output 0.</summary>
    public int Shift(int tap) => First + (tap * Step);

    /// <summary>The outputs [begin, end) that see the source, not padding, through a tap with this shift.</summary>
    public void Inside(int shift, out int begin, out int end)
    {
        begin = Math.Clamp(shift >= 0 ? 0 : (-shift + Stride - 1) / Stride, 0, Out);
        end = Math.Clamp(Source - shift <= 0 ? 0 : (Source - shift + Stride - 1) / Stride, begin, Out);
    }

    private static int CommonDivisor(int a, int b) => b == 0 ? a : CommonDivisor(b, a % b);
}
