using SmartFrz.Kernels.Cpu;
using SmartFrz.Kernels.Cuda;

namespace SmartFrz.Kernels;

/// <summary>The sizes of a layer normalisation: every row is normalised by itself.</summary>
/// <param name="Rows">Rows.</param>
/// <param name="Columns">Elements of a row.</param>
/// <param name="Eps">What is added to the variance.</param>
public readonly record struct LayerNormShape(int Rows, int Columns, float Eps)
{
    // Rows that a piece of the sums over rows has at least, and the most pieces: the partial sums are then a few percent of what is read,
    // and the chain of additions of a piece stays short (its rows are added in groups of four).
    private const int RowsPerPiece = 64, MostPieces = 256;

    /// <summary>All elements.</summary>
    public long Count => (long)Rows * Columns;

    /// <summary>Pieces that the sums over rows are cut into.</summary>
    public int Pieces => Math.Clamp((Rows + RowsPerPiece - 1) / RowsPerPiece, 1, MostPieces);

    /// <summary>Bytes of the partial sums of two parameters.</summary>
    public long PartialBytes => 2L * Pieces * Columns * sizeof(float);

    /// <summary>The first row of a piece.</summary>
    internal int Begin(int piece) => (int)((long)piece * Rows / Pieces);
}

/// <summary>Layer normalisation.</summary>
/// <remarks>
/// Computes: y = (x - mean) * rstd * gamma + beta for each row, rstd = 1 / sqrt(variance + eps); the variance divides by the columns.
/// Shapes:   x, y (rows, columns); gamma, beta (columns); mean, rstd (rows), which are written.
/// </remarks>
public readonly unsafe struct LayerNormKernel(
    LayerNormShape shape, DeviceBuffer x, DeviceBuffer gamma, DeviceBuffer beta, DeviceBuffer y, DeviceBuffer mean, DeviceBuffer rstd) : IKernel
{
    private readonly LayerNormShape _shape = shape;
    private readonly DeviceBuffer _x = x, _gamma = gamma, _beta = beta, _y = y, _mean = mean, _rstd = rstd;

    /// <inheritdoc/>
    public static string Name => "layer_norm";

    /// <inheritdoc/>
    public KernelCost Cost => new(7 * _shape.Count, sizeof(float) * ((2 * _shape.Count) + (2L * _shape.Columns) + (2L * _shape.Rows)));

    /// <inheritdoc/>
    public void Run(CpuContext cpu) => CpuLayerNorm.Forward(cpu, new CpuLayerNorm.Problem
    {
        Shape = _shape,
        X = CpuContext.Floats(_x),
        Gamma = CpuContext.Floats(_gamma),
        Beta = CpuContext.Floats(_beta),
        Y = CpuContext.Floats(_y),
        Mean = CpuContext.Floats(_mean),
        Rstd = CpuContext.Floats(_rstd),
    });

    /// <inheritdoc/>
    public void Run(CudaContext cuda)
    {
        if (_shape.Rows > 0)
        {
            cuda.LaunchRows(LayerNormCuda.Forward, _shape.Rows, new LayerNormCuda.ForwardArgs
            {
                X = CudaContext.Floats(_x),
                Gamma = CudaContext.Floats(_gamma),
                Beta = CudaContext.Floats(_beta),
                Y = CudaContext.Floats(_y),
                Mean = CudaContext.Floats(_mean),
                Rstd = CudaContext.Floats(_rstd),
                Columns = _shape.Columns,
                Eps = _shape.Eps,
            });
        }
    }
}

/// <summary>The input's gradient of a layer normalisation.</summary>
/// <remarks>
/// Computes: with g = dy * gamma, xhat = (x - mean) * rstd: dx = rstd * (g - the mean of g - xhat * the mean of g * xhat), means over a row.
/// Shapes:   as <see cref="LayerNormKernel"/>.
/// </remarks>
public readonly unsafe struct LayerNormInputGradKernel(
    LayerNormShape shape, DeviceBuffer dy, DeviceBuffer x, DeviceBuffer gamma, DeviceBuffer mean, DeviceBuffer rstd, DeviceBuffer dx, bool accumulate) : IKernel
{
    private readonly LayerNormShape _shape = shape;
    private readonly DeviceBuffer _dy = dy, _x = x, _gamma = gamma, _mean = mean, _rstd = rstd, _dx = dx;
    private readonly bool _accumulate = accumulate;

    /// <inheritdoc/>
    public static string Name => "layer_norm.backward_input";

    /// <inheritdoc/>
    public KernelCost Cost => new(
        11 * _shape.Count, sizeof(float) * (((_accumulate ? 4 : 3) * _shape.Count) + _shape.Columns + (2L * _shape.Rows)));

    /// <inheritdoc/>
    public void Run(CpuContext cpu) => CpuLayerNorm.InputGradient(
        cpu,
        new CpuLayerNorm.Problem
        {
            Shape = _shape,
            Dy = CpuContext.Floats(_dy),
            X = CpuContext.Floats(_x),
            Gamma = CpuContext.Floats(_gamma),
            Mean = CpuContext.Floats(_mean),
            Rstd = CpuContext.Floats(_rstd),
            Y = CpuContext.Floats(_dx),
            Accumulate = _accumulate,
        });

    /// <inheritdoc/>
    public void Run(CudaContext cuda)
    {
        if (_shape.Rows > 0)
        {
            cuda.LaunchRows(LayerNormCuda.InputGradient, _shape.Rows, new LayerNormCuda.InputArgs
            {
                Dy = CudaContext.Floats(_dy),
                X = CudaContext.Floats(_x),
                Gamma = CudaContext.Floats(_gamma),
                Mean = CudaContext.Floats(_mean),
                Rstd = CudaContext.Floats(_rstd),
                Dx = CudaContext.Floats(_dx),
                Columns = _shape.Columns,
                Accumulate = _accumulate ? 1 : 0,
            });
        }
    }
}
