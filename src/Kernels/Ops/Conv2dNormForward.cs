using SmartFrz.Kernels.Cpu;
using SmartFrz.Kernels.Cuda;

namespace SmartFrz.Kernels;

/// <summary>
/// A convolution and the batch normalisation behind it in one pass, for layers that do not learn: the statistics stand still, and nobody
/// needs the convolution's own output. The same bits as one after the other.
/// </summary>
/// <remarks>
/// Computes: y = relu((x * W + b - mean) * gamma / sqrt(variance + eps) + beta + residual), with b, residual and ReLU (or ReLU6) optional.
/// Shapes:   as <see cref="Conv2dForward"/>; residual as y; the channels' operands [K], the spread being a variance.
/// </remarks>
/// <param name="shape">The sizes.</param>
/// <param name="x">Input.</param>
/// <param name="weight">Filters.</param>
/// <param name="bias">The convolution's own bias; may be absent.</param>
/// <param name="channels">The normalisation.</param>
/// <param name="residual">Added before the ReLU; may be absent.</param>
/// <param name="activation">What follows.</param>
/// <param name="y">Output.</param>
public readonly unsafe struct Conv2dNormForward(
    Conv2dShape shape, DeviceBuffer x, DeviceBuffer weight, DeviceBuffer bias, BatchNormChannels channels, DeviceBuffer residual, Activation activation, DeviceBuffer y) : IKernel
{
    private readonly Conv2dShape _shape = shape;
    private readonly BatchNormChannels _channels = channels;
    private readonly DeviceBuffer _x = x, _weight = weight, _bias = bias, _residual = residual, _y = y;
    private readonly Activation _activation = activation;

    /// <inheritdoc/>
    public static string Name => "conv2d.norm";

    /// <inheritdoc/>
    /// <remarks>The operations of both; of the bytes, the convolution's output is neither written nor read in between.</remarks>
    public KernelCost Cost => new(
        _shape.ForwardFlops + ((3L + (_residual.IsNull ? 0 : 1) + (int)_activation) * _shape.OutputCount),
        _shape.ForwardBytes + (sizeof(float) * ((_residual.IsNull ? 0 : _shape.OutputCount) + (4L * _shape.K))));

    // The normalisation by itself, in place.
    private BatchNormForwardKernel Normalise =>
        new(new BatchNormShape(_shape.N, _shape.K, _shape.P * _shape.Q), _y, _channels, _residual, !_residual.IsNull, _activation, _y);

    /// <inheritdoc/>
    public void Run(CpuContext cpu)
    {
        if (CpuPatchConv.Fits(_shape))
        {
            // A matrix product has no sums that could be finished.
            new Conv2dForward(_shape, _x, _weight, _bias, _y).Run(cpu);
            Normalise.Run(cpu);
            return;
        }

        var finish = new CpuFinishOperands
        {
            Gamma = CpuContext.Floats(_channels.Gamma),
            Beta = CpuContext.Floats(_channels.Beta),
            Mean = CpuContext.Floats(_channels.Mean),
            Variance = CpuContext.Floats(_channels.Spread),
            Eps = _channels.Eps,
            Residual = CpuContext.Floats(_residual),
            Activation = _activation,
        };
        CpuConv2d.Forward(
            cpu.Pool, cpu.Isa, in _shape, CpuContext.Floats(_x), CpuContext.Floats(_weight), CpuContext.Floats(_bias), CpuContext.Floats(_y), &finish);
    }

    /// <inheritdoc/>
    public void Run(CudaContext cuda)
    {
        if (Conv2dSizes.IsDirect(_shape))
        {
            // Two launches: this convolution has no tile that could be finished.
            new Conv2dForward(_shape, _x, _weight, _bias, _y).Run(cuda);
            Normalise.Run(cuda);
            return;
        }

        var args = new Conv2dNormCuda.Args
        {
            X = CudaContext.Floats(_x),
            Weight = CudaContext.Floats(_weight),
            Sizes = Conv2dSizes.Of(_shape),
            Target = new Conv2dNormCuda.Target
            {
                View = CudaContext.Floats(_y),
                Bias = CudaContext.Floats(_bias),
                Residual = CudaContext.Floats(_residual),
                Channels = BatchNormCuda.Channels.Of(_channels),
                HasBias = _bias.IsNull ? 0 : 1,
                HasResidual = _residual.IsNull ? 0 : 1,
                Activation = (int)_activation,
                K = _shape.K,
                PQ = _shape.P * _shape.Q,
            },
        };
        cuda.LaunchTiles(
            Conv2dNormCuda.Tiled<GpuTile>,
            Conv2dNormCuda.Tiled<EmulatorTile>,
            rows: args.Sizes.GroupK,
            columns: checked(_shape.N * args.Sizes.PQ),
            parts: 1,
            _shape.Groups,
            args);
    }
}
