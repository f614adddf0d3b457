using ILGPU;
using SmartFrz.Kernels.Cpu;
using SmartFrz.Kernels.Cuda;

namespace SmartFrz.Kernels;

/// <summary>The two sums over a channel that the gradients of a batch normalisation are made of.</summary>
/// <remarks>
/// Computes: g = dy where the fused ReLU let the element through, else 0; sums = the sum of g; products = the sum of g * (x - mean) * rstd.
/// Shapes:   dy, x, y (N, C, plane); sums, products (C). Without x the products are undefined.
/// </remarks>
public readonly struct BatchNormSumsKernel(
    BatchNormShape shape, DeviceBuffer dy, DeviceBuffer x, bool hasX, DeviceBuffer y, ReluMask relu, BatchNormChannels channels, DeviceBuffer sums, DeviceBuffer products) : IKernel
{
    private readonly BatchNormShape _shape = shape;
    private readonly BatchNormChannels _channels = channels;
    private readonly DeviceBuffer _dy = dy, _x = x, _y = y, _sums = sums, _products = products;
    private readonly ReluMask _relu = relu;
    private readonly bool _hasX = hasX;

    /// <inheritdoc/>
    public static string Name => "batch_norm.backward_sums";

    /// <inheritdoc/>
    public KernelCost Cost => new(
        (_hasX ? 4 : 1) * _shape.Count,
        (((1L + (_hasX ? 1 : 0) + (_relu == ReluMask.FromOutput ? 1 : 0)) * _shape.Count) + (6L * _shape.C)) * sizeof(float));

    /// <inheritdoc/>
    public unsafe void Run(CpuContext cpu) => CpuBatchNormSums.Run(
        cpu, _shape, _relu, CpuContext.Floats(_dy), CpuContext.Floats(_hasX ? _x : _dy), CpuContext.Floats(_y), _channels, CpuContext.Floats(_sums), CpuContext.Floats(_products));

    /// <inheritdoc/>
    public void Run(CudaContext cuda) => cuda.LaunchRows(
        BatchNormSumsCuda.Apply,
        _shape.C,
        new BatchNormSumsCuda.Args
        {
            Dy = CudaContext.Floats(_dy),
            X = CudaContext.Floats(_x),
            Y = CudaContext.Floats(_y),
            Sums = CudaContext.Floats(_sums),
            Products = CudaContext.Floats(_products),
            Channels = BatchNormCuda.Channels.Of(_channels),
            C = _shape.C,
            Plane = _shape.Plane,
            PerChannel = _shape.PerChannel,
            Relu = (int)_relu,
            HasX = _hasX ? 1 : 0,
        });
}

/// <summary>The CUDA body of <see cref="BatchNormSumsKernel"/>.</summary>
internal static class BatchNormSumsCuda
{
    public struct Args
    {
        public ArrayView<float> Dy, X, Y, Sums, Products;
        public BatchNormCuda.Channels Channels;
        public int C, Plane;
        public long PerChannel;
        public int Relu, HasX;
    }

    // One group owns a channel; one thread every (group size)-th element of it.
    [CudaKernel]
    public static void Apply(Args a)
    {
        var partial = SharedMemory.Allocate<double>(CudaDevice.FullGroup);
        int c = Grid.IdxX;
        float mean = a.HasX != 0 ? a.Channels.Mean[c] : 0f;
        double sum = 0, product = 0;
        for (long i = Group.IdxX; i < a.PerChannel; i += Group.DimX)
        {
            long e = BatchNormCuda.Element(i, c, a.C, a.Plane);
            float x = a.HasX != 0 ? a.X[e] : 0f;
            float y = a.Relu == (int)ReluMask.FromOutput ? a.Y[e] : 0f;
            float g = BatchNormCuda.Masked(a.Dy[e], x, y, c, a.Relu, a.Channels);
            sum += g;
            product += (double)g * (x - mean);
        }

        sum = CudaReduce.Sum(partial, sum);
        product = CudaReduce.Sum(partial, product);
        if (Group.IdxX == 0)
        {
            a.Sums[c] = (float)sum;
            a.Products[c] = a.HasX != 0 ? (float)(product * a.Channels.Rstd(c)) : 0f;
        }
    }
}
