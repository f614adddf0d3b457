using ILGPU;
using SmartFrz.Kernels.Cpu;
using SmartFrz.Kernels.Cuda;

namespace SmartFrz.Kernels;

/// <summary>Mean and squared deviations of pieces of each channel, for <see cref="BatchNormFinishStatisticsKernel"/> to put together.</summary>
/// <remarks>
/// Shapes:   x (N, C, plane); partials of <see cref="BatchNormShape.PartialBytes"/>.
/// Deviations are taken from a number near the mean and added up in double precision, so that no digits are lost when the mean is
/// large beside the deviation.
/// </remarks>
public readonly struct BatchNormStatisticsKernel(BatchNormShape shape, DeviceBuffer x, DeviceBuffer partials) : IKernel
{
    private readonly BatchNormShape _shape = shape;
    private readonly DeviceBuffer _x = x, _partials = partials;

    /// <inheritdoc/>
    public static string Name => "batch_norm.statistics";

    /// <inheritdoc/>
    public KernelCost Cost => new(4 * _shape.Count, _shape.Count * sizeof(float));

    /// <inheritdoc/>
    public unsafe void Run(CpuContext cpu) =>
        CpuBatchNormStatistics.Run(cpu, _shape, CpuContext.Floats(_x), CpuContext.Pointer<CpuMoments>(_partials));

    /// <inheritdoc/>
    public void Run(CudaContext cuda) => cuda.Launch(
        BatchNormStatisticsCuda.Apply,
        new Index3D(_shape.C, _shape.Blocks, 1),
        new Index3D(cuda.Group, 1, 1),
        new BatchNormStatisticsCuda.Args
        {
            X = CudaContext.Floats(_x),
            Partials = CudaContext.View<double>(_partials),
            C = _shape.C,
            Plane = _shape.Plane,
            PerChannel = checked((int)_shape.PerChannel),
        });
}

/// <summary>
/// Mean and 1 / sqrt(variance + eps) of each channel from their pieces, and the running statistics' next value.
/// </summary>
/// <remarks>
/// Computes: running = (1 - momentum) * running + momentum * statistic. The variance that normalises divides by M = N * plane, the one
/// that the running variance takes by M - 1.
/// Shapes:   mean, rstd, runningMean, runningVariance (C).
/// </remarks>
public readonly struct BatchNormFinishStatisticsKernel(
    BatchNormShape shape, DeviceBuffer partials, DeviceBuffer mean, DeviceBuffer rstd, DeviceBuffer runningMean, DeviceBuffer runningVariance, float momentum, float eps) : IKernel
{
    private readonly BatchNormShape _shape = shape;
    private readonly DeviceBuffer _partials = partials, _mean = mean, _rstd = rstd, _runningMean = runningMean, _runningVariance = runningVariance;
    private readonly float _momentum = momentum, _eps = eps;

    /// <inheritdoc/>
    public static string Name => "batch_norm.finish_statistics";

    /// <inheritdoc/>
    public KernelCost Cost => new(10L * _shape.C, 6L * sizeof(float) * _shape.C);

    /// <inheritdoc/>
    public unsafe void Run(CpuContext cpu) => CpuBatchNormStatistics.Finish(
        _shape,
        CpuContext.Pointer<CpuMoments>(_partials),
        new CpuBatchNormStatistics.Results
        {
            Mean = CpuContext.Floats(_mean),
            Rstd = CpuContext.Floats(_rstd),
            RunningMean = CpuContext.Floats(_runningMean),
            RunningVariance = CpuContext.Floats(_runningVariance),
            Momentum = _momentum,
            Eps = _eps,
        });

    /// <inheritdoc/>
    public void Run(CudaContext cuda) => cuda.LaunchRows(
        BatchNormStatisticsCuda.Finish,
        _shape.C,
        new BatchNormStatisticsCuda.FinishArgs
        {
            Partials = CudaContext.View<double>(_partials),
            Mean = CudaContext.Floats(_mean),
            Rstd = CudaContext.Floats(_rstd),
            RunningMean = CudaContext.Floats(_runningMean),
            RunningVariance = CudaContext.Floats(_runningVariance),
            C = _shape.C,
            Blocks = _shape.Blocks,
            PerChannel = checked((int)_shape.PerChannel),
            Momentum = _momentum,
            Eps = _eps,
        });
}

/// <summary>The CUDA bodies of <see cref="BatchNormStatisticsKernel"/> and <see cref="BatchNormFinishStatisticsKernel"/>.</summary>
internal static class BatchNormStatisticsCuda
{
    public struct Args
    {
        public ArrayView<float> X;
        public ArrayView<double> Partials;
        public int C, Plane, PerChannel;
    }

    public struct FinishArgs
    {
        public ArrayView<double> Partials;
        public ArrayView<float> Mean, Rstd, RunningMean, RunningVariance;
        public int C, Blocks, PerChannel;
        public float Momentum, Eps;
    }

    // One group owns a piece of a channel (x: channel, y: piece); one thread every (group size)-th element of it. Two passes, the second
    // from the cache: the mean, then the deviations from it.
    [CudaKernel]
    public static void Apply(Args a)
    {
        var partial = SharedMemory.Allocate<double>(CudaDevice.FullGroup);
        int c = Grid.IdxX, block = Grid.IdxY, blocks = Grid.DimY;
        int begin = BatchNormCuda.Begin(block, blocks, a.PerChannel), end = BatchNormCuda.Begin(block + 1, blocks, a.PerChannel);
        double sum = 0;
        for (int i = begin + Group.IdxX; i < end; i += Group.DimX)
        {
            sum += a.X[BatchNormCuda.Element(i, c, a.C, a.Plane)];
        }

        double mean = CudaReduce.Sum(partial, sum) / (end - begin);
        double squares = 0;
        for (int i = begin + Group.IdxX; i < end; i += Group.DimX)
        {
            double d = a.X[BatchNormCuda.Element(i, c, a.C, a.Plane)] - mean;
            squares += d * d;
        }

        squares = CudaReduce.Sum(partial, squares);
        if (Group.IdxX == 0)
        {
            int at = 2 * ((block * a.C) + c);
            a.Partials[at] = mean;
            a.Partials[at + 1] = squares;
        }
    }

    // One group owns a channel; one thread every (group size)-th piece of it.
    [CudaKernel]
    public static void Finish(FinishArgs a)
    {
        var partial = SharedMemory.Allocate<double>(CudaDevice.FullGroup);
        int c = Grid.IdxX;
        double sum = 0;
        for (int block = Group.IdxX; block < a.Blocks; block += Group.DimX)
        {
            sum += a.Partials[2 * ((block * a.C) + c)] * BatchNormCuda.Elements(block, a.Blocks, a.PerChannel);
        }

        double mean = CudaReduce.Sum(partial, sum) / a.PerChannel;
        double squares = 0;
        for (int block = Group.IdxX; block < a.Blocks; block += Group.DimX)
        {
            int at = 2 * ((block * a.C) + c);
            double d = a.Partials[at] - mean;
            squares += a.Partials[at + 1] + (d * d * BatchNormCuda.Elements(block, a.Blocks, a.PerChannel));
        }

        squares = CudaReduce.Sum(partial, squares);
        if (Group.IdxX == 0)
        {
            float average = (float)mean;
            a.Mean[c] = average;
            a.Rstd[c] = 1f / ILGPU.Algorithms.XMath.Sqrt((float)(squares / a.PerChannel) + a.Eps);
            a.RunningMean[c] = ((1f - a.Momentum) * a.RunningMean[c]) + (a.Momentum * average);
            a.RunningVariance[c] = ((1f - a.Momentum) * a.RunningVariance[c]) + (a.Momentum * (float)(squares / (a.PerChannel - 1)));
        }
    }
}
