using SmartFrz.Kernels.Cpu;
using SmartFrz.Kernels.Cuda;

namespace SmartFrz.Kernels;

/// <summary>The largest element of each window, and where in the window it is.</summary>
/// <remarks>
/// Computes: y = max over the window; taps = row * kernel + column within the window, of the first maximum in that order.
/// Shapes:   x (planes, H, W), y (planes, P, Q) F32, taps (planes, P, Q) I32 or absent.
/// NaN is larger than any number, and the last one of a window counts, as in PyTorch.
/// </remarks>
public readonly struct MaxPoolKernel(MaxPoolShape shape, DeviceBuffer x, DeviceBuffer y, DeviceBuffer taps) : IKernel
{
    private readonly MaxPoolShape _shape = shape;
    private readonly DeviceBuffer _x = x, _y = y, _taps = taps;

    /// <inheritdoc/>
    public static string Name => "max_pool2d";

    /// <inheritdoc/>
    public KernelCost Cost => new(
        _shape.OutputCount * _shape.Kernel * _shape.Kernel,
        (_shape.InputCount + ((_taps.IsNull ? 1 : 2) * _shape.OutputCount)) * sizeof(float));

    /// <inheritdoc/>
    public unsafe void Run(CpuContext cpu) =>
        CpuMaxPool.Run(cpu, _shape, CpuContext.Floats(_x), CpuContext.Floats(_y), CpuContext.Pointer<int>(_taps));

    /// <inheritdoc/>
    public void Run(CudaContext cuda) => cuda.LaunchElements(
        MaxPoolCuda.Forward,
        _shape.OutputCount,
        new MaxPoolCuda.Args
        {
            X = CudaContext.Floats(_x),
            Y = CudaContext.Floats(_y),
            Taps = CudaContext.View<int>(_taps),
            Shape = new MaxPoolCuda.Sizes(_shape),
            HasTaps = _taps.IsNull ? 0 : 1,
        });
}

/// <summary>The gradient of a maximum pooling: each output's gradient goes to the element that was the maximum.</summary>
/// <remarks>Shapes: dy (planes, P, Q), taps (planes, P, Q) I32, dx (planes, H, W).</remarks>
public readonly struct MaxPoolGradKernel(MaxPoolShape shape, DeviceBuffer dy, DeviceBuffer taps, DeviceBuffer dx, bool accumulate) : IKernel
{
    private readonly MaxPoolShape _shape = shape;
    private readonly DeviceBuffer _dy = dy, _taps = taps, _dx = dx;
    private readonly bool _accumulate = accumulate;

    /// <inheritdoc/>
    public static string Name => "max_pool2d.backward";

    /// <inheritdoc/>
    public KernelCost Cost => new(_shape.OutputCount, (((_accumulate ? 2 : 1) * _shape.InputCount) + (2 * _shape.OutputCount)) * sizeof(float));

    /// <inheritdoc/>
    public unsafe void Run(CpuContext cpu) =>
        CpuMaxPoolGrad.Run(cpu, _shape, CpuContext.Floats(_dy), CpuContext.Pointer<int>(_taps), CpuContext.Floats(_dx), _accumulate);

    /// <inheritdoc/>
    public void Run(CudaContext cuda) => cuda.LaunchElements(
        MaxPoolCuda.Backward,
        _shape.InputCount,
        new MaxPoolCuda.BackwardArgs
        {
            Dy = CudaContext.Floats(_dy),
            Taps = CudaContext.View<int>(_taps),
            Dx = CudaContext.Floats(_dx),
            Shape = new MaxPoolCuda.Sizes(_shape),
            Accumulate = _accumulate ? 1 : 0,
        });
}
