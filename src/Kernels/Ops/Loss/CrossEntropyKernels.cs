using SmartFrz.Kernels.Cpu;
using SmartFrz.Kernels.Cuda;

namespace SmartFrz.Kernels;

/// <summary>The sizes of a softmax cross-entropy.</summary>
/// <param name="Rows">Examples, N.</param>
/// <param name="Classes">Classes, C.</param>
/// <param name="Smoothing">The share of the target spread evenly over all classes.</param>
/// <param name="TargetType">The type of the targets: I32 or I64.</param>
public readonly record struct CrossEntropyShape(int Rows, int Classes, float Smoothing, DType TargetType = DType.I32)
{
    /// <summary>Elements of the logits.</summary>
    public long Count => (long)Rows * Classes;

    /// <summary>Bytes of the logits.</summary>
    public long LogitBytes => Count * sizeof(float);

    /// <summary>Bytes of the targets.</summary>
    public long TargetBytes => (long)Rows * TargetType.Size();
}

/// <summary>
/// The loss of each row: loss[n] = lse(x[n]) - (1 - s) x[n, t] - s mean(x[n]), and the log-sum-exp itself for the backward pass.
/// </summary>
/// <remarks>
/// A target outside 0..C-1 reads nothing and makes the row's loss NaN, which the trainer reports. The largest logit is left out of the
/// sum and counted as exactly 1, so that the loss of a row that is nearly certain keeps its digits.
/// </remarks>
public readonly unsafe struct CrossEntropyForward(CrossEntropyShape shape, DeviceBuffer logits, DeviceBuffer targets, DeviceBuffer losses, DeviceBuffer logSums) : IKernel
{
    private readonly CrossEntropyShape _shape = shape;
    private readonly DeviceBuffer _logits = logits, _targets = targets, _losses = losses, _logSums = logSums;

    /// <inheritdoc/>
    public static string Name => "cross_entropy";

    /// <inheritdoc/>
    public KernelCost Cost => new(5 * _shape.Count, _shape.LogitBytes + _shape.TargetBytes + (8L * _shape.Rows));

    /// <inheritdoc/>
    public void Run(CpuContext cpu) => CpuCrossEntropy.Forward(
        cpu, _shape, CpuContext.Floats(_logits), CpuContext.Pointer<byte>(_targets), CpuContext.Floats(_losses), CpuContext.Floats(_logSums));

    /// <inheritdoc/>
    public void Run(CudaContext cuda) => cuda.LaunchRows(
        CrossEntropyCuda.Forward,
        _shape.Rows,
        new CrossEntropyCuda.Args
        {
            Logits = CudaContext.Floats(_logits),
            Targets = new CrossEntropyCuda.Targets(_targets, _shape.TargetType),
            Losses = CudaContext.Floats(_losses),
            LogSums = CudaContext.Floats(_logSums),
            Classes = _shape.Classes,
            Smoothing = _shape.Smoothing,
        });
}

/// <summary>
/// The gradient of the mean loss: dx[n, c] = dy / N (softmax(x[n])[c] - (1 - s) [c = t] - s / C).
/// </summary>
public readonly unsafe struct CrossEntropyBackward(
    CrossEntropyShape shape, DeviceBuffer dy, DeviceBuffer logits, DeviceBuffer targets, DeviceBuffer logSums, DeviceBuffer dx, bool accumulate) : IKernel
{
    private readonly CrossEntropyShape _shape = shape;
    private readonly DeviceBuffer _dy = dy, _logits = logits, _targets = targets, _logSums = logSums, _dx = dx;
    private readonly bool _accumulate = accumulate;

    /// <inheritdoc/>
    public static string Name => "cross_entropy.backward";

    /// <inheritdoc/>
    public KernelCost Cost => new(4 * _shape.Count, ((_accumulate ? 3 : 2) * _shape.LogitBytes) + _shape.TargetBytes + (4L * _shape.Rows));

    /// <inheritdoc/>
    public void Run(CpuContext cpu) => CpuCrossEntropy.Backward(
        cpu, _shape, CpuContext.Floats(_dy), CpuContext.Floats(_logits), CpuContext.Pointer<byte>(_targets), CpuContext.Floats(_logSums), CpuContext.Floats(_dx), _accumulate);

    /// <inheritdoc/>
    public void Run(CudaContext cuda) => cuda.LaunchElements(
        CrossEntropyCuda.Backward,
        _shape.Count,
        new CrossEntropyCuda.BackwardArgs
        {
            Dy = CudaContext.Floats(_dy),
            Logits = CudaContext.Floats(_logits),
            Targets = new CrossEntropyCuda.Targets(_targets, _shape.TargetType),
            LogSums = CudaContext.Floats(_logSums),
            Dx = CudaContext.Floats(_dx),
            Rows = _shape.Rows,
            Classes = _shape.Classes,
            Smoothing = _shape.Smoothing,
            Accumulate = _accumulate ? 1 : 0,
        });
}

/// <summary>The mean of the rows' losses, added up in a fixed order in double precision.</summary>
public readonly unsafe struct MeanLossKernel(DeviceBuffer losses, DeviceBuffer mean, int rows) : IKernel
{
    private readonly DeviceBuffer _losses = losses, _mean = mean;
    private readonly int _rows = rows;

    /// <inheritdoc/>
    public static string Name => "mean_loss";

    /// <inheritdoc/>
    public KernelCost Cost => new(_rows, 4L * (_rows + 1));

    /// <inheritdoc/>
    public void Run(CpuContext cpu)
    {
        float* losses = CpuContext.Floats(_losses);
        double sum = 0;
        for (int n = 0; n < _rows; n++)
        {
            sum += losses[n];
        }

        *CpuContext.Floats(_mean) = (float)(sum / _rows);
    }

    /// <inheritdoc/>
    public void Run(CudaContext cuda) => cuda.LaunchRows(
        CrossEntropyCuda.Mean,
        1,
        new CrossEntropyCuda.MeanArgs { Losses = CudaContext.Floats(_losses), Mean = CudaContext.Floats(_mean), Rows = _rows });
}
