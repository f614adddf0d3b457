using SmartFrz.Kernels.Cpu;
using SmartFrz.Kernels.Cuda;

namespace SmartFrz.Kernels;

/// <summary>The gradient of a convolution's filters: every weight's products of inputs and output gradients, summed over images and pixels.</summary>
/// <param name="shape">The sizes.</param>
/// <param name="dy">Output gradient [N,K,P,Q].</param>
/// <param name="x">Input [N,C,H,W].</param>
/// <param name="dw">Filter gradient [K,C/groups,R,S].</param>
/// <param name="accumulate">Add to dw.</param>
public readonly unsafe struct Conv2dBackwardWeight(Conv2dShape shape, DeviceBuffer dy, DeviceBuffer x, DeviceBuffer dw, bool accumulate) : IKernel
{
    private readonly Conv2dShape _shape = shape;
    private readonly DeviceBuffer _dy = dy, _x = x, _dw = dw;
    private readonly bool _accumulate = accumulate;

    /// <inheritdoc/>
    public static string Name => "conv2d.backward_weight";

    /// <inheritdoc/>
    public KernelCost Cost => new(_shape.ForwardFlops, _shape.ForwardBytes + (_accumulate ? sizeof(float) * _shape.WeightCount : 0));

    /// <inheritdoc/>
    public void Run(CpuContext cpu) =>
        CpuConv2d.BackwardWeight(
            cpu.Pool, cpu.Isa, in _shape, CpuContext.Floats(_x), CpuContext.Floats(_dy), CpuContext.Floats(_dw), _accumulate);

    /// <inheritdoc/>
    public void Run(CudaContext cuda)
    {
        var args = new Conv2dBackwardWeightCuda.Args
        {
            Dy = CudaContext.Floats(_dy),
            X = CudaContext.Floats(_x),
            Target = CudaContext.Floats(_dw),
            Accumulate = _accumulate ? 1 : 0,
            Parts = 1,
            Sizes = Conv2dSizes.Of(_shape),
        };
        if (Conv2dSizes.IsDirect(_shape))
        {
            cuda.LaunchRows(Conv2dBackwardWeightCuda.Direct, checked((int)_shape.WeightCount), args);
            return;
        }

        args.Parts = Conv2dBackwardWeightCuda.PartsOf(_shape, cuda.UsesSmallTiles);
        if (args.Parts == 1)
        {
            LaunchProduct(cuda, args);
            return;
        }

        // Later launches of the stream write into this memory only after this one's second pass has read it.
        var parts = cuda.Rent(args.Parts * _shape.WeightCount * sizeof(float), BufferKind.Workspace);
        args.Target = CudaContext.Floats(parts);
        args.Accumulate = 0;
        LaunchProduct(cuda, args);
        cuda.LaunchElements(
            Conv2dBackwardWeightCuda.Sum,
            _shape.WeightCount,
            new Conv2dBackwardWeightCuda.SumArgs
            {
                Parts = args.Target, Dw = CudaContext.Floats(_dw), Count = args.Parts, Accumulate = _accumulate ? 1 : 0, Weights = _shape.WeightCount,
            });
        cuda.Return(parts);
    }

    private static void LaunchProduct(CudaContext cuda, in Conv2dBackwardWeightCuda.Args args) =>
        cuda.LaunchTiles(
            Conv2dBackwardWeightCuda.Tiled<GpuTile>,
            Conv2dBackwardWeightCuda.Tiled<EmulatorTile>,
            rows: args.Sizes.GroupK,
            columns: args.Sizes.Filter,
            parts: args.Parts,
            batch: args.Sizes.Groups,
            args);
}
