using ILGPU;

namespace SmartFrz.Kernels.Cuda;

/// <summary>The sizes of a convolution as its kernels use them.</summary>
internal struct Conv2dSizes
{
    public int N, C, H, W, K, R, S, P, Q, Groups;
    public int StrideH, StrideW, PadH, PadW, DilationH, DilationW;

    /// <summary>Input and output channels of one group of channels.</summary>
    public int GroupC, GroupK;

    /// <summary>Elements of an input plane, an output plane, a filter plane, and of a whole filter (GroupC * R * S).</summary>
    public int HW, PQ, RS, Filter;

    public static Conv2dSizes Of(in Conv2dShape s) => new()
    {
        N = s.N, C = s.C, H = s.H, W = s.W, K = s.K, R = s.R, S = s.S, P = s.P, Q = s.Q, Groups = s.Groups,
        StrideH = s.StrideH, StrideW = s.StrideW, PadH = s.PadH, PadW = s.PadW, DilationH = s.DilationH, DilationW = s.DilationW,
        GroupC = s.C / s.Groups,
        GroupK = s.K / s.Groups,
        HW = checked(s.H * s.W),
        PQ = checked(s.P * s.Q),
        RS = checked(s.R * s.S),
        Filter = checked(s.C / s.Groups * s.R * s.S),
    };

    /// <summary>
    /// Whether groups are so narrow that most of a product's tile would be empty: depthwise convolution and its like. Then each thread
    /// (or group) computes one element directly.
    /// </summary>
    /// <remarks>8 of a tile's 64 rows: below that the direct kernels read less than the tiles idle.</remarks>
    public static bool IsDirect(in Conv2dShape s) => s.Groups > 1 && Math.Max(s.C, s.K) / s.Groups <= 8;

    /// <summary>One element of the input; zero in the padding.</summary>
    public readonly float Input(ArrayView<float> x, long plane, int h, int w) =>
        h >= 0 && h < H && w >= 0 && w < W ? x[plane + (h * W) + w] : 0f;

    /// <summary>The element of an output plane that filter place (r, s) connects with padded input place (y, x); zero where there is none.</summary>
    public readonly float Output(ArrayView<float> dy, long plane, int y, int x)
    {
        int p = y / StrideH;
        int q = x / StrideW;
        return y >= 0 && x >= 0 && p * StrideH == y && q * StrideW == x && p < P && q < Q ? dy[plane + (p * Q) + q] : 0f;
    }
}
