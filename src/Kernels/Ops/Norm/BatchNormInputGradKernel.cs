using ILGPU;
using SmartFrz.Kernels.Cpu;
using SmartFrz.Kernels.Cuda;

namespace SmartFrz.Kernels;

/// <summary>The gradient of a batch normalisation with respect to its input.</summary>
/// <remarks>
/// Computes: dx = gamma * rstd * (g - sums / M - xhat * products / M) where the batch's own statistics normalised, and
/// dx = gamma * rstd * g where running statistics did; g is dy where the fused ReLU let the element through, else 0.
/// Shapes:   dy, x, y, dx (N, C, plane); the others (C). M = N * plane.
/// Source:   S. Ioffe, C. Szegedy, "Batch Normalization" (2015), section 3.
/// </remarks>
public readonly struct BatchNormInputGradKernel(
    BatchNormShape shape, DeviceBuffer dy, DeviceBuffer x, DeviceBuffer y, ReluMask relu, BatchNormChannels channels, DeviceBuffer sums, DeviceBuffer products, bool training, DeviceBuffer dx, bool accumulate) : IKernel
{
    private readonly BatchNormShape _shape = shape;
    private readonly BatchNormChannels _channels = channels;
    private readonly DeviceBuffer _dy = dy, _x = x, _y = y, _sums = sums, _products = products, _dx = dx;
    private readonly ReluMask _relu = relu;
    private readonly bool _training = training, _accumulate = accumulate;

    /// <inheritdoc/>
    public static string Name => "batch_norm.backward_input";

    /// <inheritdoc/>
    public KernelCost Cost => new(
        (_training ? 5 : 1) * _shape.Count,
        (((2L + (_training ? 1 : 0) + (_relu.ReadsOutput() ? 1 : 0) + (_accumulate ? 1 : 0)) * _shape.Count) + (4L * _shape.C)) * sizeof(float));

    /// <inheritdoc/>
    public unsafe void Run(CpuContext cpu) => CpuBatchNormInputGrad.Run(
        cpu,
        _shape,
        _relu,
        _channels,
        _training,
        CpuContext.Floats(_sums),
        CpuContext.Floats(_products),
        new CpuBatchNormInputGrad.Arrays
        {
            Dy = CpuContext.Floats(_dy),
            X = CpuContext.Floats(_x),
            Y = CpuContext.Floats(_y),
            Dx = CpuContext.Floats(_dx),
            Accumulate = _accumulate,
        });

    /// <inheritdoc/>
    public void Run(CudaContext cuda) => cuda.LaunchElements(
        BatchNormInputGradCuda.Apply,
        _shape.Count,
        new BatchNormInputGradCuda.Args
        {
            Dy = CudaContext.Floats(_dy),
            X = CudaContext.Floats(_x),
            Y = CudaContext.Floats(_y),
            Sums = CudaContext.Floats(_sums),
            Products = CudaContext.Floats(_products),
            Dx = CudaContext.Floats(_dx),
            Channels = BatchNormCuda.Channels.Of(_channels),
            Count = _shape.Count,
            Share = 1f / _shape.PerChannel,
            C = _shape.C,
            Plane = _shape.Plane,
            Relu = (int)_relu,
            Training = _training ? 1 : 0,
            Accumulate = _accumulate ? 1 : 0,
        });
}

/// <summary>The CUDA body of <see cref="BatchNormInputGradKernel"/>.</summary>
internal static class BatchNormInputGradCuda
{
    public struct Args
    {
        public ArrayView<float> Dy, X, Y, Sums, Products, Dx;
        public BatchNormCuda.Channels Channels;
        public long Count;
        public float Share;
        public int C, Plane, Relu, Training, Accumulate;
    }

    // One thread owns every (grid size)-th element.
    [CudaKernel]
    public static void Apply(Args a)
    {
        for (long i = Grid.GlobalIndex.X; i < a.Count; i += Grid.DimX * Group.DimX)
        {
            int c = BatchNormCuda.ChannelOf(i, a.C, a.Plane);
            float x = a.Training != 0 ? a.X[i] : 0f;
            float y = BatchNormCuda.ReadsOutput(a.Relu) ? a.Y[i] : 0f;
            float g = BatchNormCuda.Masked(a.Dy[i], x, y, c, a.Relu, a.Channels);
            float rstd = a.Channels.Rstd(c);
            if (a.Training != 0)
            {
                g -= a.Share * (a.Sums[c] + ((x - a.Channels.Mean[c]) * rstd * a.Products[c]));
            }

            float dx = a.Channels.Gamma[c] * rstd * g;
            a.Dx[i] = a.Accumulate != 0 ? a.Dx[i] + dx : dx;
        }
    }
}
