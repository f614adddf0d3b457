namespace SmartFrz.Kernels;

/// <summary>How the windows of a pooling lie along one axis: of fixed size and distance, or spread evenly over the input.</summary>
internal readonly struct PoolAxis(int size, int outputs, int kernel, int stride, int padding)
{
    /// <summary>Elements of the input.</summary>
    public readonly int Size = size;

    /// <summary>Windows.</summary>
    public readonly int Outputs = outputs;

    /// <summary>Elements of a window, the padding included; 0 where windows are spread evenly.</summary>
    public readonly int Kernel = kernel;

    private readonly int _stride = stride, _padding = padding;

    /// <summary>The first input element of a window.</summary>
    public int Begin(int output) => Kernel == 0
        ? (int)((long)output * Size / Outputs)
        : (output * _stride) - _padding < 0 ? 0 : (output * _stride) - _padding;

    /// <summary>The input element after the last one of a window.</summary>
    public int End(int output)
    {
        if (Kernel == 0)
        {
            return (int)(((((long)output + 1) * Size) + Outputs - 1) / Outputs);
        }

        int end = (output * _stride) - _padding + Kernel;
        return end < Size ? end : Size;
    }

    /// <summary>What the sum over a window is divided by along this axis.</summary>
    public int Extent(int output) => Kernel == 0 ? End(output) - Begin(output) : Kernel;

    /// <summary>The first window that an input element is in.</summary>
    public int First(int input)
    {
        if (Kernel == 0)
        {
            return (int)((long)input * Outputs / Size);
        }

        int beyond = input + _padding - Kernel;
        return beyond < 0 ? 0 : (beyond / _stride) + 1;
    }

    /// <summary>The last window that an input element is in; before the first one where it is in none.</summary>
    public int Last(int input)
    {
        int last = Kernel == 0 ? (int)(((((long)input + 1) * Outputs) - 1) / Size) : (input + _padding) / _stride;
        return last < Outputs ? last : Outputs - 1;
    }
}

/// <summary>The sizes of a two-dimensional average pooling.</summary>
/// <param name="Planes">Images times channels.</param>
/// <param name="H">Rows of the input.</param>
/// <param name="W">Columns of the input.</param>
/// <param name="P">Rows of the output.</param>
/// <param name="Q">Columns of the output.</param>
/// <param name="Kernel">Rows and columns of the window; 0 where windows are spread evenly over the input (adaptive pooling).</param>
/// <param name="Stride">Distance of neighbouring windows.</param>
/// <param name="Padding">Rows and columns of zeros around the input; they count in the average.</param>
public readonly record struct AvgPoolShape(int Planes, int H, int W, int P, int Q, int Kernel, int Stride, int Padding)
{
    /// <summary>Elements of the input.</summary>
    public long InputCount => (long)Planes * H * W;

    /// <summary>Elements of the output.</summary>
    public long OutputCount => (long)Planes * P * Q;

    /// <summary>Whether each plane has one average.</summary>
    public bool IsGlobal => Kernel == 0 && P == 1 && Q == 1;

    internal PoolAxis Rows => new(H, P, Kernel, Stride, Padding);

    internal PoolAxis Columns => new(W, Q, Kernel, Stride, Padding);

    /// <summary>Additions: windows of a fixed size, or each input element about once.</summary>
    internal long Additions => Kernel == 0 ? Math.Max(InputCount, OutputCount) : OutputCount * Kernel * Kernel;
}
