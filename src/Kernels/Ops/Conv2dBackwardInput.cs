using SmartFrz.Kernels.Cpu;
using SmartFrz.Kernels.Cuda;

namespace SmartFrz.Kernels;

/// <summary>The gradient of a convolution's input: each output gradient goes back, times the weight, to the inputs it came from.</summary>
/// <param name="shape">The sizes.</param>
/// <param name="dy">Output gradient [N,K,P,Q].</param>
/// <param name="weight">Filters [K,C/groups,R,S].</param>
/// <param name="dx">Input gradient [N,C,H,W].</param>
/// <param name="accumulate">Add to dx.</param>
public readonly unsafe struct Conv2dBackwardInput(Conv2dShape shape, DeviceBuffer dy, DeviceBuffer weight, DeviceBuffer dx, bool accumulate) : IKernel
{
    private readonly Conv2dShape _shape = shape;
    private readonly DeviceBuffer _dy = dy, _weight = weight, _dx = dx;
    private readonly bool _accumulate = accumulate;

    /// <inheritdoc/>
    public static string Name => "conv2d.backward_input";

    /// <inheritdoc/>
    public KernelCost Cost => new(_shape.ForwardFlops, _shape.ForwardBytes + (_accumulate ? sizeof(float) * _shape.InputCount : 0));

    /// <inheritdoc/>
    public void Run(CpuContext cpu) =>
        CpuConv2d.BackwardInput(
            cpu.Pool, cpu.Isa, in _shape, CpuContext.Floats(_dy), CpuContext.Floats(_weight), CpuContext.Floats(_dx), _accumulate);

    /// <inheritdoc/>
    public void Run(CudaContext cuda)
    {
        var args = new Conv2dBackwardInputCuda.Args
        {
            Dy = CudaContext.Floats(_dy),
            Weight = CudaContext.Floats(_weight),
            Dx = CudaContext.Floats(_dx),
            Accumulate = _accumulate ? 1 : 0,
            Sizes = Conv2dSizes.Of(_shape),
        };
        if (Conv2dSizes.IsDirect(_shape))
        {
            cuda.LaunchElements(Conv2dBackwardInputCuda.Direct, _shape.InputCount, args);
        }
        else
        {
            cuda.LaunchTiles(
                Conv2dBackwardInputCuda.Tiled<GpuTile>,
                Conv2dBackwardInputCuda.Tiled<EmulatorTile>,
                rows: args.Sizes.GroupC,
                columns: checked(_shape.N * args.Sizes.HW),
                parts: 1,
                batch: _shape.Groups,
                args);
        }
    }
}
