using SmartFrz.Kernels.Cpu;
using SmartFrz.Kernels.Cuda;

namespace SmartFrz.Kernels;

/// <summary>Computes y = x * W + b, the cross-correlation of images with filters.</summary>
/// <param name="shape">The sizes.</param>
/// <param name="x">Input [N,C,H,W].</param>
/// <param name="weight">Filters [K,C/groups,R,S].</param>
/// <param name="bias">Added to each output channel; may be absent.</param>
/// <param name="y">Output [N,K,P,Q].</param>
public readonly unsafe struct Conv2dForward(Conv2dShape shape, DeviceBuffer x, DeviceBuffer weight, DeviceBuffer bias, DeviceBuffer y) : IKernel
{
    private readonly Conv2dShape _shape = shape;
    private readonly DeviceBuffer _x = x, _weight = weight, _bias = bias, _y = y;

    /// <inheritdoc/>
    public static string Name => "conv2d";

    /// <inheritdoc/>
    public KernelCost Cost => new(_shape.ForwardFlops, _shape.ForwardBytes);

    /// <inheritdoc/>
    public void Run(CpuContext cpu) =>
        CpuConv2d.Forward(
            cpu.Pool, cpu.Isa, in _shape, CpuContext.Floats(_x), CpuContext.Floats(_weight), CpuContext.Floats(_bias), CpuContext.Floats(_y));

    /// <inheritdoc/>
    public void Run(CudaContext cuda)
    {
        var args = new Conv2dForwardCuda.Args
        {
            X = CudaContext.Floats(_x),
            Weight = CudaContext.Floats(_weight),
            Bias = CudaContext.Floats(_bias),
            Y = CudaContext.Floats(_y),
            HasBias = _bias.IsNull ? 0 : 1,
            Sizes = Conv2dSizes.Of(_shape),
        };
        if (Conv2dSizes.IsDirect(_shape))
        {
            cuda.LaunchElements(Conv2dForwardCuda.Direct, _shape.OutputCount, args);
        }
        else
        {
            cuda.LaunchTiles(
                Conv2dForwardCuda.Tiled<GpuTile>,
                Conv2dForwardCuda.Tiled<EmulatorTile>,
                rows: args.Sizes.GroupK,
                columns: checked(_shape.N * args.Sizes.PQ),
                parts: 1,
                batch: _shape.Groups,
                args);
        }
    }
}
