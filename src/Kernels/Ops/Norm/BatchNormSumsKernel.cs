using ILGPU;
using SmartFrz.Kernels.Cpu;
using SmartFrz.Kernels.Cuda;

namespace SmartFrz.Kernels;

/// <summary>The two sums that the gradients of a batch normalisation are made of, over pieces of each channel.</summary>
/// <remarks>
/// Computes: g = dy where the fused ReLU let the element through, else 0; the sums of g and of g * (x - mean).
/// Shapes:   dy, x, y (N, C, plane); partials of <see cref="BatchNormShape.PartialBytes"/>. Without x the second sum is undefined.
/// </remarks>
public readonly struct BatchNormSumsKernel(
    BatchNormShape shape, DeviceBuffer dy, DeviceBuffer x, bool hasX, DeviceBuffer y, ReluMask relu, BatchNormChannels channels, DeviceBuffer partials) : IKernel
{
    private readonly BatchNormShape _shape = shape;
    private readonly BatchNormChannels _channels = channels;
    private readonly DeviceBuffer _dy = dy, _x = x, _y = y, _partials = partials;
    private readonly ReluMask _relu = relu;
    private readonly bool _hasX = hasX;

    /// <inheritdoc/>
    public static string Name => "batch_norm.backward_sums";

    /// <inheritdoc/>
    public KernelCost Cost => new(
        (_hasX ? 4 : 1) * _shape.Count,
        (((1L + (_hasX ? 1 : 0) + (_relu.ReadsOutput() ? 1 : 0)) * _shape.Count) + (4L * _shape.C)) * sizeof(float));

    /// <inheritdoc/>
    public unsafe void Run(CpuContext cpu) => CpuBatchNormSums.Run(
        cpu, _shape, _relu, CpuContext.Floats(_dy), CpuContext.Floats(_hasX ? _x : _dy), CpuContext.Floats(_y), _channels, CpuContext.Pointer<CpuBatchNormPair>(_partials));

    /// <inheritdoc/>
    public void Run(CudaContext cuda) => cuda.Launch(
        BatchNormSumsCuda.Apply,
        new Index3D(_shape.C, _shape.Blocks, 1),
        new Index3D(cuda.Group, 1, 1),
        new BatchNormSumsCuda.Args
        {
            Dy = CudaContext.Floats(_dy),
            X = CudaContext.Floats(_x),
            Y = CudaContext.Floats(_y),
            Partials = CudaContext.View<double>(_partials),
            Channels = BatchNormCuda.Channels.Of(_channels),
            C = _shape.C,
            Plane = _shape.Plane,
            PerChannel = checked((int)_shape.PerChannel),
            Relu = (int)_relu,
            HasX = _hasX ? 1 : 0,
        });
}

/// <summary>Puts the pieces of <see cref="BatchNormSumsKernel"/> together.</summary>
/// <remarks>
/// Computes: sums = the sum of g, products = the sum of g * (x - mean) * rstd.
/// Shapes:   sums, products (C).
/// </remarks>
public readonly struct BatchNormFinishSumsKernel(
    BatchNormShape shape, DeviceBuffer partials, BatchNormChannels channels, DeviceBuffer sums, DeviceBuffer products) : IKernel
{
    private readonly BatchNormShape _shape = shape;
    private readonly BatchNormChannels _channels = channels;
    private readonly DeviceBuffer _partials = partials, _sums = sums, _products = products;

    /// <inheritdoc/>
    public static string Name => "batch_norm.finish_sums";

    /// <inheritdoc/>
    public KernelCost Cost => new(3L * _shape.C, 3L * sizeof(float) * _shape.C);

    /// <inheritdoc/>
    public unsafe void Run(CpuContext cpu) => CpuBatchNormSums.Finish(
        _shape, CpuContext.Pointer<CpuBatchNormPair>(_partials), _channels, CpuContext.Floats(_sums), CpuContext.Floats(_products));

    /// <inheritdoc/>
    public void Run(CudaContext cuda) => cuda.LaunchRows(
        BatchNormSumsCuda.Finish,
        _shape.C,
        new BatchNormSumsCuda.FinishArgs
        {
            Partials = CudaContext.View<double>(_partials),
            Sums = CudaContext.Floats(_sums),
            Products = CudaContext.Floats(_products),
            Channels = BatchNormCuda.Channels.Of(_channels),
            C = _shape.C,
            Blocks = _shape.Blocks,
            HasSpread = _channels.Spread.IsNull ? 0 : 1,
        });
}

/// <summary>The CUDA bodies of <see cref="BatchNormSumsKernel"/> and <see cref="BatchNormFinishSumsKernel"/>.</summary>
internal static class BatchNormSumsCuda
{
    public struct Args
    {
        public ArrayView<float> Dy, X, Y;
        public ArrayView<double> Partials;
        public BatchNormCuda.Channels Channels;
        public int C, Plane, PerChannel, Relu, HasX;
    }

    public struct FinishArgs
    {
        public ArrayView<double> Partials;
        public ArrayView<float> Sums, Products;
        public BatchNormCuda.Channels Channels;
        public int C, Blocks, HasSpread;
    }

    // One group owns a piece of a channel (x: channel, y: piece); one thread every (group size)-th element of it.
    [CudaKernel]
    public static void Apply(Args a)
    {
        var partial = SharedMemory.Allocate<double>(CudaDevice.FullGroup);
        int c = Grid.IdxX, block = Grid.IdxY, blocks = Grid.DimY;
        int end = BatchNormCuda.Begin(block + 1, blocks, a.PerChannel);
        float mean = a.HasX != 0 ? a.Channels.Mean[c] : 0f;
        double sum = 0, product = 0;
        for (int i = BatchNormCuda.Begin(block, blocks, a.PerChannel) + Group.IdxX; i < end; i += Group.DimX)
        {
            long e = BatchNormCuda.Element(i, c, a.C, a.Plane);
            float x = a.HasX != 0 ? a.X[e] : 0f;
            float y = BatchNormCuda.ReadsOutput(a.Relu) ? a.Y[e] : 0f;
            float g = BatchNormCuda.Masked(a.Dy[e], x, y, c, a.Relu, a.Channels);
            sum += g;
            product += (double)g * (x - mean);
        }

        sum = CudaReduce.Sum(partial, sum);
        product = CudaReduce.Sum(partial, product);
        if (Group.IdxX == 0)
        {
            int at = 2 * ((block * a.C) + c);
            a.Partials[at] = sum;
            a.Partials[at + 1] = product;
        }
    }

    // One group owns a channel; one thread every (group size)-th piece of it.
    [CudaKernel]
    public static void Finish(FinishArgs a)
    {
        var partial = SharedMemory.Allocate<double>(CudaDevice.FullGroup);
        int c = Grid.IdxX;
        double sum = 0, product = 0;
        for (int block = Group.IdxX; block < a.Blocks; block += Group.DimX)
        {
            int at = 2 * ((block * a.C) + c);
            sum += a.Partials[at];
            product += a.Partials[at + 1];
        }

        sum = CudaReduce.Sum(partial, sum);
        product = CudaReduce.Sum(partial, product);
        if (Group.IdxX == 0)
        {
            a.Sums[c] = (float)sum;
            a.Products[c] = a.HasSpread != 0 ? (float)(product * a.Channels.Rstd(c)) : 0f;
        }
    }
}
