using SmartFrz.Kernels.Cpu;
using SmartFrz.Kernels.Cuda;

namespace SmartFrz.Kernels;

/// <summary>Softmax or its logarithm, as a type: each has a name of its own in the ledger.</summary>
public interface ISoftmaxForm
{
    /// <summary>The name in the ledger.</summary>
    static abstract string Name { get; }

    /// <summary>Whether the logarithm is wanted.</summary>
    static abstract bool IsLogarithm { get; }
}

/// <summary>y = e^x / sum of e^x.</summary>
public readonly struct SoftmaxForm : ISoftmaxForm
{
    /// <inheritdoc/>
    public static string Name => "softmax";

    /// <inheritdoc/>
    public static bool IsLogarithm => false;
}

/// <summary>y = x - log(sum of e^x).</summary>
public readonly struct LogSoftmaxForm : ISoftmaxForm
{
    /// <inheritdoc/>
    public static string Name => "log_softmax";

    /// <inheritdoc/>
    public static bool IsLogarithm => true;
}

/// <summary>Softmax of each row, or its logarithm.</summary>
/// <remarks>
/// Computes: with m the largest of a row: y = e^(x - m) / s or y = x - m - log(s), s the sum of e^(x - m).
/// Shapes:   x, y (rows, columns).
/// </remarks>
public readonly struct SoftmaxKernel<TForm>(int rows, int columns, DeviceBuffer x, DeviceBuffer y) : IKernel
    where TForm : struct, ISoftmaxForm
{
    private readonly int _rows = rows, _columns = columns;
    private readonly DeviceBuffer _x = x, _y = y;

    /// <inheritdoc/>
    public static string Name => TForm.Name;

    /// <inheritdoc/>
    public KernelCost Cost => KernelCost.Elementwise((long)_rows * _columns, 4, 2);

    /// <inheritdoc/>
    public unsafe void Run(CpuContext cpu) => CpuSoftmax.Run(cpu, _rows, _columns, CpuContext.Floats(_x), CpuContext.Floats(_y), TForm.IsLogarithm);

    /// <inheritdoc/>
    public void Run(CudaContext cuda)
    {
        if (_rows > 0)
        {
            cuda.LaunchRows(
                SoftmaxCuda.Forward,
                _rows,
                new SoftmaxCuda.Args { X = CudaContext.Floats(_x), Y = CudaContext.Floats(_y), Columns = _columns, IsLogarithm = TForm.IsLogarithm ? 1 : 0 });
        }
    }
}

/// <summary>The gradient of softmax of each row, or of its logarithm, from the output.</summary>
/// <typeparam name="TForm">Softmax or its logarithm.</typeparam>
/// <remarks>
/// Computes: softmax: dx = y * (dy - sum of dy * y); logarithm: dx = dy - e^y * sum of dy.
/// Shapes:   dy, y, dx (rows, columns).
/// </remarks>
public readonly struct SoftmaxGradKernel<TForm>(int rows, int columns, DeviceBuffer dy, DeviceBuffer y, DeviceBuffer dx, bool accumulate) : IKernel
    where TForm : struct, ISoftmaxForm
{
    private readonly int _rows = rows, _columns = columns;
    private readonly DeviceBuffer _dy = dy, _y = y, _dx = dx;
    private readonly bool _accumulate = accumulate;

    /// <inheritdoc/>
    public static string Name => TForm.IsLogarithm ? "log_softmax.backward" : "softmax.backward";

    /// <inheritdoc/>
    public KernelCost Cost => KernelCost.Elementwise((long)_rows * _columns, 4, _accumulate ? 4 : 3);

    /// <inheritdoc/>
    public unsafe void Run(CpuContext cpu) => CpuSoftmaxGrad.Run(
        cpu, _rows, _columns, CpuContext.Floats(_dy), CpuContext.Floats(_y), CpuContext.Floats(_dx), TForm.IsLogarithm, _accumulate);

    /// <inheritdoc/>
    public void Run(CudaContext cuda)
    {
        if (_rows > 0)
        {
            cuda.LaunchRows(
                SoftmaxCuda.Backward,
                _rows,
                new SoftmaxCuda.BackwardArgs
                {
                    Dy = CudaContext.Floats(_dy),
                    Y = CudaContext.Floats(_y),
                    Dx = CudaContext.Floats(_dx),
                    Columns = _columns,
                    IsLogarithm = TForm.IsLogarithm ? 1 : 0,
                    Accumulate = _accumulate ? 1 : 0,
                });
        }
    }
}
