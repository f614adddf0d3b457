using SmartFrz.Kernels.Cpu;
using SmartFrz.Kernels.Cuda;

namespace SmartFrz.Kernels;

/// <summary>Counts the rows whose largest logit (the first of equals) is the target's.</summary>
/// <remarks>Shapes: logits (rows, classes), targets (rows) I32 or I64, count (1) F32.</remarks>
public readonly unsafe struct CorrectKernel(DeviceBuffer logits, DeviceBuffer targets, DType targetType, DeviceBuffer count, int rows, int classes) : IKernel
{
    private readonly DeviceBuffer _logits = logits, _targets = targets, _count = count;
    private readonly DType _targetType = targetType;
    private readonly int _rows = rows, _classes = classes;

    /// <inheritdoc/>
    public static string Name => "correct";

    /// <inheritdoc/>
    public KernelCost Cost => new((long)_rows * _classes, (4L * _rows * _classes) + ((long)_rows * _targetType.Size()) + 4);

    /// <inheritdoc/>
    public void Run(CpuContext cpu) => *CpuContext.Floats(_count) =
        CpuCrossEntropy.Correct(CpuContext.Floats(_logits), CpuContext.Pointer<byte>(_targets), _targetType, _rows, _classes);

    /// <inheritdoc/>
    public void Run(CudaContext cuda) => cuda.LaunchRows(
        ScoreCuda.Correct,
        1,
        new ScoreCuda.Args
        {
            Logits = CudaContext.Floats(_logits),
            Targets = new CrossEntropyCuda.Targets(_targets, _targetType),
            Totals = CudaContext.Floats(_count),
            Rows = _rows,
            Classes = _classes,
        });
}

/// <summary>Adds a batch to the running totals: [0] += mean loss * N, [1] += rows whose largest logit (the first of equals) is the target's, [2] += N.</summary>
public readonly unsafe struct ScoreKernel(DeviceBuffer logits, DeviceBuffer targets, DeviceBuffer meanLoss, DeviceBuffer totals, int rows, int classes) : IKernel
{
    private readonly DeviceBuffer _logits = logits, _targets = targets, _meanLoss = meanLoss, _totals = totals;
    private readonly int _rows = rows, _classes = classes;

    /// <inheritdoc/>
    public static string Name => "score";

    /// <inheritdoc/>
    public KernelCost Cost => new((long)_rows * _classes, 4L * _rows * (_classes + 1));

    /// <inheritdoc/>
    public void Run(CpuContext cpu)
    {
        float* totals = CpuContext.Floats(_totals);
        totals[0] += *CpuContext.Floats(_meanLoss) * _rows;
        totals[1] += CpuCrossEntropy.Correct(CpuContext.Floats(_logits), CpuContext.Pointer<byte>(_targets), DType.I32, _rows, _classes);
        totals[2] += _rows;
    }

    /// <inheritdoc/>
    public void Run(CudaContext cuda) => cuda.LaunchRows(
        ScoreCuda.Add,
        1,
        new ScoreCuda.Args
        {
            Logits = CudaContext.Floats(_logits),
            Targets = new CrossEntropyCuda.Targets(_targets, DType.I32),
            MeanLoss = CudaContext.Floats(_meanLoss),
            Totals = CudaContext.Floats(_totals),
            Rows = _rows,
            Classes = _classes,
        });
}
