using ILGPU;
using SmartFrz.Kernels.Cpu;
using SmartFrz.Kernels.Cuda;

namespace SmartFrz.Kernels;

/// <summary>
/// Mean and 1 / sqrt(variance + eps) of each channel, and the running statistics' next value.
/// </summary>
/// <remarks>
/// Computes: running = (1 - momentum) * running + momentum * statistic. The variance that normalises divides by M = N * plane, the one
/// that the running variance takes by M - 1.
/// Shapes:   x (N, C, plane); mean, rstd, runningMean, runningVariance (C).
/// Deviations are taken from a shift near the mean and added up in double precision, so that no digits are lost when the mean is
/// large beside the deviation.
/// </remarks>
public readonly struct BatchNormStatisticsKernel(
    BatchNormShape shape, DeviceBuffer x, DeviceBuffer mean, DeviceBuffer rstd, DeviceBuffer runningMean, DeviceBuffer runningVariance, float momentum, float eps) : IKernel
{
    private readonly BatchNormShape _shape = shape;
    private readonly DeviceBuffer _x = x, _mean = mean, _rstd = rstd, _runningMean = runningMean, _runningVariance = runningVariance;
    private readonly float _momentum = momentum, _eps = eps;

    /// <inheritdoc/>
    public static string Name => "batch_norm.statistics";

    /// <inheritdoc/>
    public KernelCost Cost => new(4 * _shape.Count, (_shape.Count + (6L * _shape.C)) * sizeof(float));

    /// <inheritdoc/>
    public unsafe void Run(CpuContext cpu) => CpuBatchNormStatistics.Run(
        cpu,
        _shape,
        CpuContext.Floats(_x),
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
        BatchNormStatisticsCuda.Apply,
        _shape.C,
        new BatchNormStatisticsCuda.Args
        {
            X = CudaContext.Floats(_x),
            Mean = CudaContext.Floats(_mean),
            Rstd = CudaContext.Floats(_rstd),
            RunningMean = CudaContext.Floats(_runningMean),
            RunningVariance = CudaContext.Floats(_runningVariance),
            C = _shape.C,
            Plane = _shape.Plane,
            PerChannel = _shape.PerChannel,
            Momentum = _momentum,
            Eps = _eps,
        });
}

/// <summary>The CUDA body of <see cref="BatchNormStatisticsKernel"/>.</summary>
internal static class BatchNormStatisticsCuda
{
    public struct Args
    {
        public ArrayView<float> X, Mean, Rstd, RunningMean, RunningVariance;
        public int C, Plane;
        public long PerChannel;
        public float Momentum, Eps;
    }

    // One group owns a channel; one thread every (group size)-th element of it. Two passes: the mean, then the deviations from it.
    [CudaKernel]
    public static void Apply(Args a)
    {
        var partial = SharedMemory.Allocate<double>(CudaDevice.FullGroup);
        int thread = Group.IdxX;
        int c = Grid.IdxX;
        double sum = 0;
        for (long i = thread; i < a.PerChannel; i += Group.DimX)
        {
            sum += a.X[BatchNormCuda.Element(i, c, a.C, a.Plane)];
        }

        double mean = CudaReduce.Sum(partial, sum) / a.PerChannel;
        double squares = 0;
        for (long i = thread; i < a.PerChannel; i += Group.DimX)
        {
            double d = a.X[BatchNormCuda.Element(i, c, a.C, a.Plane)] - mean;
            squares += d * d;
        }

        squares = CudaReduce.Sum(partial, squares);
        if (thread == 0)
        {
            float average = (float)mean;
            a.Mean[c] = average;
            a.Rstd[c] = 1f / ILGPU.Algorithms.XMath.Sqrt((float)(squares / a.PerChannel) + a.Eps);
            a.RunningMean[c] = ((1f - a.Momentum) * a.RunningMean[c]) + (a.Momentum * average);
            a.RunningVariance[c] = ((1f - a.Momentum) * a.RunningVariance[c]) + (a.Momentum * (float)(squares / (a.PerChannel - 1)));
        }
    }
}
