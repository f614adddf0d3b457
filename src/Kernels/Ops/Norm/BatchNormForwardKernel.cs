using ILGPU;
using SmartFrz.Kernels.Cpu;
using SmartFrz.Kernels.Cuda;

namespace SmartFrz.Kernels;

/// <summary>Normalises each channel, adds a residual if there is one, and applies a ReLU if asked to.</summary>
/// <remarks>
/// Computes: y = relu((x - mean) * rstd * gamma + beta + residual), with the residual and the ReLU (or ReLU6) optional.
/// Shapes:   x, residual, y (N, C, plane); the others (C).
/// </remarks>
public readonly struct BatchNormForwardKernel(
    BatchNormShape shape, DeviceBuffer x, BatchNormChannels channels, DeviceBuffer residual, bool hasResidual, Activation activation, DeviceBuffer y) : IKernel
{
    private readonly BatchNormShape _shape = shape;
    private readonly BatchNormChannels _channels = channels;
    private readonly DeviceBuffer _x = x, _residual = residual, _y = y;
    private readonly bool _hasResidual = hasResidual;
    private readonly Activation _activation = activation;

    /// <inheritdoc/>
    public static string Name => "batch_norm.forward";

    /// <inheritdoc/>
    public KernelCost Cost => new(
        (3L + (_hasResidual ? 1 : 0) + (int)_activation) * _shape.Count,
        (((_hasResidual ? 3 : 2) * _shape.Count) + (4L * _shape.C)) * sizeof(float));

    /// <inheritdoc/>
    public unsafe void Run(CpuContext cpu) =>
        CpuBatchNormForward.Run(cpu, _shape, CpuContext.Floats(_x), _channels, CpuContext.Floats(_residual), _activation, CpuContext.Floats(_y));

    /// <inheritdoc/>
    public void Run(CudaContext cuda) => cuda.LaunchElements(
        BatchNormForwardCuda.Apply,
        _shape.Count,
        new BatchNormForwardCuda.Args
        {
            X = CudaContext.Floats(_x),
            Residual = CudaContext.Floats(_residual),
            Y = CudaContext.Floats(_y),
            Channels = BatchNormCuda.Channels.Of(_channels),
            Count = _shape.Count,
            C = _shape.C,
            Plane = _shape.Plane,
            HasResidual = _hasResidual ? 1 : 0,
            Activation = (int)_activation,
        });
}

/// <summary>The CUDA body of <see cref="BatchNormForwardKernel"/>.</summary>
internal static class BatchNormForwardCuda
{
    public struct Args
    {
        public ArrayView<float> X, Residual, Y;
        public BatchNormCuda.Channels Channels;
        public long Count;
        public int C, Plane, HasResidual, Activation;
    }

    // One thread owns every (grid size)-th element.
    [CudaKernel]
    public static void Apply(Args a)
    {
        for (long i = Grid.GlobalIndex.X; i < a.Count; i += Grid.DimX * Group.DimX)
        {
            float v = a.Channels.Normalised(a.X[i], BatchNormCuda.ChannelOf(i, a.C, a.Plane));
            if (a.HasResidual != 0)
            {
                v += a.Residual[i];
            }

            a.Y[i] = BatchNormCuda.Activated(v, a.Activation);
        }
    }
}
