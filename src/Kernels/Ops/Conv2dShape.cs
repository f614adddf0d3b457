namespace SmartFrz.Kernels;

/// <summary>The sizes of a two-dimensional convolution, NCHW input, weights [K, C/groups, R, S], cross-correlation as is usual in training.</summary>
/// <param name="N">Images.</param>
/// <param name="C">Input channels.</param>
/// <param name="H">Input height.</param>
/// <param name="W">Input width.</param>
/// <param name="K">Output channels.</param>
/// <param name="R">Filter height.</param>
/// <param name="S">Filter width.</param>
/// <param name="StrideH">Rows from one output to the next.</param>
/// <param name="StrideW">Columns from one output to the next.</param>
/// <param name="PadH">Rows of zeros above and below the input.</param>
/// <param name="PadW">Columns of zeros left and right of the input.</param>
/// <param name="DilationH">Input rows from one filter row to the next.</param>
/// <param name="DilationW">Input columns from one filter column to the next.</param>
/// <param name="Groups">Parts that the channels are split into; each output channel sees the input channels of its own part.</param>
public readonly record struct Conv2dShape(
    int N, int C, int H, int W, int K, int R, int S, int StrideH, int StrideW, int PadH, int PadW, int DilationH, int DilationW, int Groups)
{
    /// <summary>Output height.</summary>
    public int P => ((H + (2 * PadH) - (DilationH * (R - 1)) - 1) / StrideH) + 1;

    /// <summary>Output width.</summary>
    public int Q => ((W + (2 * PadW) - (DilationW * (S - 1)) - 1) / StrideW) + 1;

    /// <summary>Elements of the input.</summary>
    public long InputCount => (long)N * C * H * W;

    /// <summary>Elements of the weight.</summary>
    public long WeightCount => (long)K * (C / Groups) * R * S;

    /// <summary>Elements of the output.</summary>
    public long OutputCount => (long)N * K * P * Q;

    /// <summary>Floating-point operations of the forward pass, two for each multiply-add; each of the two gradients costs the same.</summary>
    public long ForwardFlops => 2 * OutputCount * (C / Groups) * R * S;

    /// <summary>Bytes of input, weight and output, each touched once; the same for each gradient.</summary>
    public long ForwardBytes => sizeof(float) * (InputCount + WeightCount + OutputCount);

    /// <summary>Whether the sizes fit together; if not, says which do not.</summary>
    public bool Validate(out string error)
    {
        error = Problem() ?? string.Empty;
        return error.Length == 0;
    }

    private string? Problem()
    {
        if (Math.Min(Math.Min(N, C), Math.Min(H, W)) < 1)
        {
            return $"Conv2d: input ({N},{C},{H},{W}) has an empty dimension";
        }

        if (Math.Min(K, Math.Min(R, S)) < 1 || Groups < 1)
        {
            return $"Conv2d: {K} output channels, filter {R}x{S} and {Groups} groups must be at least 1";
        }

        if (Math.Min(StrideH, StrideW) < 1 || Math.Min(DilationH, DilationW) < 1 || Math.Min(PadH, PadW) < 0)
        {
            return $"Conv2d: stride {StrideH}x{StrideW} and dilation {DilationH}x{DilationW} must be at least 1, padding {PadH}x{PadW} at least 0";
        }

        if (C % Groups != 0 || K % Groups != 0)
        {
            return $"Conv2d: {C} input and {K} output channels do not divide into {Groups} groups";
        }

        long reachH = (DilationH * (R - 1L)) + 1, reachW = (DilationW * (S - 1L)) + 1;
        if (H + (2L * PadH) < reachH || W + (2L * PadW) < reachW)
        {
            return $"Conv2d: the filter reaches over {reachH}x{reachW}, the padded input has {H + (2L * PadH)}x{W + (2L * PadW)}";
        }

        return null;
    }
}
