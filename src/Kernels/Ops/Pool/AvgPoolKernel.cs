using SmartFrz.Kernels.Cpu;
using SmartFrz.Kernels.Cuda;

namespace SmartFrz.Kernels;

/// <summary>The average of each window, whose windows have a fixed size or are spread evenly over the input.</summary>
/// <remarks>
/// Computes: fixed: y = sum over the window / kernel^2, so that padding counts. Spread: output p averages the rows floor(p H / P) to
/// ceil((p + 1) H / P) - 1, columns likewise.
/// Shapes:   x (planes, H, W), y (planes, P, Q).
/// </remarks>
public readonly struct AvgPoolKernel(AvgPoolShape shape, DeviceBuffer x, DeviceBuffer y) : IKernel
{
    private readonly AvgPoolShape _shape = shape;
    private readonly DeviceBuffer _x = x, _y = y;

    /// <inheritdoc/>
    public static string Name => "avg_pool2d";

    /// <inheritdoc/>
    public KernelCost Cost => new(_shape.Additions, (_shape.InputCount + _shape.OutputCount) * sizeof(float));

    /// <inheritdoc/>
    public unsafe void Run(CpuContext cpu) => CpuAvgPool.Run(cpu, _shape, CpuContext.Floats(_x), CpuContext.Floats(_y));

    /// <inheritdoc/>
    public void Run(CudaContext cuda)
    {
        var args = new AvgPoolCuda.Args
        {
            X = CudaContext.Floats(_x),
            Y = CudaContext.Floats(_y),
            Rows = _shape.Rows,
            Columns = _shape.Columns,
            Count = _shape.OutputCount,
        };
        if (_shape.IsGlobal)
        {
            cuda.LaunchRows(AvgPoolCuda.Global, _shape.Planes, args);
        }
        else
        {
            cuda.LaunchElements(AvgPoolCuda.Forward, _shape.OutputCount, args);
        }
    }
}

/// <summary>The gradient of an average pooling: every element of a window gets the same share of its gradient.</summary>
/// <remarks>Shapes: dy (planes, P, Q), dx (planes, H, W).</remarks>
public readonly struct AvgPoolGradKernel(AvgPoolShape shape, DeviceBuffer dy, DeviceBuffer dx, bool accumulate) : IKernel
{
    private readonly AvgPoolShape _shape = shape;
    private readonly DeviceBuffer _dy = dy, _dx = dx;
    private readonly bool _accumulate = accumulate;

    /// <inheritdoc/>
    public static string Name => "avg_pool2d.backward";

    /// <inheritdoc/>
    public KernelCost Cost => new(_shape.Additions, (((_accumulate ? 2 : 1) * _shape.InputCount) + _shape.OutputCount) * sizeof(float));

    /// <inheritdoc/>
    public unsafe void Run(CpuContext cpu) => CpuAvgPoolGrad.Run(cpu, _shape, CpuContext.Floats(_dy), CpuContext.Floats(_dx), _accumulate);

    /// <inheritdoc/>
    public void Run(CudaContext cuda) => cuda.LaunchElements(
        AvgPoolCuda.Backward,
        _shape.InputCount,
        new AvgPoolCuda.BackwardArgs
        {
            Dy = CudaContext.Floats(_dy),
            Dx = CudaContext.Floats(_dx),
            Rows = _shape.Rows,
            Columns = _shape.Columns,
            Count = _shape.InputCount,
            Accumulate = _accumulate ? 1 : 0,
        });
}
