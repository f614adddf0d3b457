namespace SmartFrz.Kernels;

/// <summary>The sizes of a two-dimensional maximum pooling.</summary>
/// <param name="Planes">Images times channels.</param>
/// <param name="H">Rows of the input.</param>
/// <param name="W">Columns of the input.</param>
/// <param name="Kernel">Rows and columns of the window.</param>
/// <param name="Stride">Distance of neighbouring windows.</param>
/// <param name="Padding">Rows and columns around the input that no maximum is taken from; at most half the window.</param>
public readonly record struct MaxPoolShape(int Planes, int H, int W, int Kernel, int Stride, int Padding)
{
    /// <summary>Rows of the output.</summary>
    public int P => ((H + (2 * Padding) - Kernel) / Stride) + 1;

    /// <summary>Columns of the output.</summary>
    public int Q => ((W + (2 * Padding) - Kernel) / Stride) + 1;

    /// <summary>Elements of the input.</summary>
    public long InputCount => (long)Planes * H * W;

    /// <summary>Elements of the output.</summary>
    public long OutputCount => (long)Planes * P * Q;
}
