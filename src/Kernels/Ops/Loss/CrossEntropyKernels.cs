using ILGPU;
using SmartFrz.Kernels.Cpu;
using SmartFrz.Kernels.Cuda;

namespace SmartFrz.Kernels;

/// <summary>The sizes of a softmax cross-entropy.</summary>
/// <param name="Rows">Examples, N.</param>
/// <param name="Classes">Classes, C.</param>
/// <param name="Smoothing">The share of the target spread evenly over all classes.</param>
public readonly record struct CrossEntropyShape(int Rows, int Classes, float Smoothing)
{
    /// <summary>Bytes of the logits.</summary>
    public long LogitBytes => (long)Rows * Classes * sizeof(float);
}

/// <summary>
/// The loss of each row: loss[n] = lse(x[n]) - (1 - s) x[n, t] - s mean(x[n]), and the log-sum-exp itself for the backward pass.
/// </summary>
/// <remarks>A target outside 0..C-1 reads nothing and makes the row's loss NaN, which the trainer reports.</remarks>
public readonly unsafe struct CrossEntropyForward(CrossEntropyShape shape, DeviceBuffer logits, DeviceBuffer targets, DeviceBuffer losses, DeviceBuffer logSums) : IKernel
{
    private readonly CrossEntropyShape _shape = shape;
    private readonly DeviceBuffer _logits = logits, _targets = targets, _losses = losses, _logSums = logSums;

    /// <inheritdoc/>
    public static string Name => "cross_entropy";

    /// <inheritdoc/>
    public KernelCost Cost => new(5L * _shape.Rows * _shape.Classes, _shape.LogitBytes + (12L * _shape.Rows));

    /// <inheritdoc/>
    public void Run(CpuContext cpu)
    {
        float* x = CpuContext.Floats(_logits);
        int* targets = CpuContext.Pointer<int>(_targets);
        float* losses = CpuContext.Floats(_losses);
        float* logSums = CpuContext.Floats(_logSums);
        int classes = _shape.Classes;
        for (int n = 0; n < _shape.Rows; n++, x += classes)
        {
            float largest = x[0];
            double mean = 0;
            for (int c = 0; c < classes; c++)
            {
                largest = MathF.Max(largest, x[c]);
                mean += x[c];
            }

            double sum = 0;
            for (int c = 0; c < classes; c++)
            {
                sum += MathF.Exp(x[c] - largest);
            }

            logSums[n] = (float)(largest + Math.Log(sum));
            int t = targets[n];
            losses[n] = (uint)t < (uint)classes
                ? (float)(largest + Math.Log(sum) - ((1.0 - _shape.Smoothing) * x[t]) - (_shape.Smoothing * mean / classes))
                : float.NaN;
        }
    }

    /// <inheritdoc/>
    public void Run(CudaContext cuda) => cuda.LaunchElements(
        CrossEntropyCuda.Forward,
        _shape.Rows,
        new CrossEntropyCuda.Args
        {
            Logits = CudaContext.Floats(_logits),
            Targets = CudaContext.View<int>(_targets),
            Losses = CudaContext.Floats(_losses),
            LogSums = CudaContext.Floats(_logSums),
            Rows = _shape.Rows,
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
    public KernelCost Cost => new(4L * _shape.Rows * _shape.Classes, (2 * _shape.LogitBytes) + (8L * _shape.Rows));

    /// <inheritdoc/>
    public void Run(CpuContext cpu)
    {
        float* x = CpuContext.Floats(_logits);
        float* dx = CpuContext.Floats(_dx);
        int* targets = CpuContext.Pointer<int>(_targets);
        float* logSums = CpuContext.Floats(_logSums);
        float scale = *CpuContext.Floats(_dy) / _shape.Rows;
        float rest = _shape.Smoothing / _shape.Classes;
        int classes = _shape.Classes;
        for (int n = 0; n < _shape.Rows; n++, x += classes, dx += classes)
        {
            for (int c = 0; c < classes; c++)
            {
                float wanted = rest + (c == targets[n] ? 1f - _shape.Smoothing : 0f);
                float g = scale * (MathF.Exp(x[c] - logSums[n]) - wanted);
                dx[c] = _accumulate ? dx[c] + g : g;
            }
        }
    }

    /// <inheritdoc/>
    public void Run(CudaContext cuda) => cuda.LaunchElements(
        CrossEntropyCuda.Backward,
        (long)_shape.Rows * _shape.Classes,
        new CrossEntropyCuda.BackwardArgs
        {
            Dy = CudaContext.Floats(_dy),
            Logits = CudaContext.Floats(_logits),
            Targets = CudaContext.View<int>(_targets),
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
    public KernelCost Cost => new(_rows, 4L * _rows);

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
        float* x = CpuContext.Floats(_logits);
        int* targets = CpuContext.Pointer<int>(_targets);
        int correct = 0;
        for (int n = 0; n < _rows; n++, x += _classes)
        {
            int best = 0;
            for (int c = 1; c < _classes; c++)
            {
                best = x[c] > x[best] ? c : best;
            }

            correct += best == targets[n] ? 1 : 0;
        }

        float* totals = CpuContext.Floats(_totals);
        totals[0] += *CpuContext.Floats(_meanLoss) * _rows;
        totals[1] += correct;
        totals[2] += _rows;
    }

    /// <inheritdoc/>
    public void Run(CudaContext cuda) => cuda.LaunchRows(
        CrossEntropyCuda.Score,
        1,
        new CrossEntropyCuda.ScoreArgs
        {
            Logits = CudaContext.Floats(_logits),
            Targets = CudaContext.View<int>(_targets),
            MeanLoss = CudaContext.Floats(_meanLoss),
            Totals = CudaContext.Floats(_totals),
            Rows = _rows,
            Classes = _classes,
        });
}

/// <summary>The CUDA bodies of the cross-entropy kernels.</summary>
internal static class CrossEntropyCuda
{
    public struct Args
    {
        public ArrayView<float> Logits, Losses, LogSums;
        public ArrayView<int> Targets;
        public int Rows, Classes;
        public float Smoothing;
    }

    public struct BackwardArgs
    {
        public ArrayView<float> Dy, Logits, LogSums, Dx;
        public ArrayView<int> Targets;
        public int Rows, Classes, Accumulate;
        public float Smoothing;
    }

    public struct MeanArgs
    {
        public ArrayView<float> Losses, Mean;
        public int Rows;
    }

    public struct ScoreArgs
    {
        public ArrayView<float> Logits, MeanLoss, Totals;
        public ArrayView<int> Targets;
        public int Rows, Classes;
    }

    // One thread owns a row: classes are few, and a row's logits lie together.
    [CudaKernel]
    public static void Forward(Args a)
    {
        for (int n = Grid.GlobalIndex.X; n < a.Rows; n += Grid.DimX * Group.DimX)
        {
            long row = (long)n * a.Classes;
            int best = 0;
            float mean = 0f;
            for (int c = 0; c < a.Classes; c++)
            {
                best = a.Logits[row + c] > a.Logits[row + best] ? c : best;
                mean += a.Logits[row + c];
            }

            // The largest class contributes exactly 1: log(1 + rest) keeps its digits where the row is nearly certain.
            float largest = a.Logits[row + best];
            float rest = 0f;
            for (int c = 0; c < a.Classes; c++)
            {
                rest += c == best ? 0f : ILGPU.Algorithms.XMath.Exp(a.Logits[row + c] - largest);
            }

            // Below the bound the first three terms of the series are exact to a float.
            float log = rest < 0.004f ? rest * (1f - (rest * (0.5f - (rest / 3f)))) : ILGPU.Algorithms.XMath.Log(1f + rest);
            a.LogSums[n] = largest + log;
            int t = a.Targets[n];
            float loss = float.NaN;
            if (t >= 0 && t < a.Classes)
            {
                loss = log + ((1f - a.Smoothing) * (largest - a.Logits[row + t])) + (a.Smoothing * (largest - (mean / a.Classes)));
            }

            a.Losses[n] = loss;
        }
    }

    // One thread owns every (grid size)-th logit.
    [CudaKernel]
    public static void Backward(BackwardArgs a)
    {
        float scale = a.Dy[0] / a.Rows;
        float rest = a.Smoothing / a.Classes;
        long count = (long)a.Rows * a.Classes;
        for (long i = Grid.GlobalIndex.X; i < count; i += Grid.DimX * Group.DimX)
        {
            int n = (int)(i / a.Classes);
            int c = (int)(i - ((long)n * a.Classes));
            float wanted = rest + (c == a.Targets[n] ? 1f - a.Smoothing : 0f);
            float g = scale * (ILGPU.Algorithms.XMath.Exp(a.Logits[i] - a.LogSums[n]) - wanted);
            a.Dx[i] = a.Accumulate != 0 ? a.Dx[i] + g : g;
        }
    }

    // One group owns the sum; one thread every (group size)-th row, then a tree in shared memory.
    [CudaKernel]
    public static void Mean(MeanArgs a)
    {
        var partial = SharedMemory.Allocate<float>(CudaDevice.FullGroup);
        int thread = Group.IdxX;
        float sum = 0f;
        for (int n = thread; n < a.Rows; n += Group.DimX)
        {
            sum += a.Losses[n];
        }

        partial[thread] = sum;
        Group.Barrier();
        for (int half = Group.DimX / 2; half > 0; half /= 2)
        {
            if (thread < half)
            {
                partial[thread] += partial[thread + half];
            }

            Group.Barrier();
        }

        if (thread == 0)
        {
            a.Mean[0] = partial[0] / a.Rows;
        }
    }

    // One group owns the totals; one thread every (group size)-th row. Counts stay exact: they are below 2^24.
    [CudaKernel]
    public static void Score(ScoreArgs a)
    {
        var partial = SharedMemory.Allocate<int>(CudaDevice.FullGroup);
        int thread = Group.IdxX;
        int correct = 0;
        for (int n = thread; n < a.Rows; n += Group.DimX)
        {
            long row = (long)n * a.Classes;
            int best = 0;
            for (int c = 1; c < a.Classes; c++)
            {
                if (a.Logits[row + c] > a.Logits[row + best])
                {
                    best = c;
                }
            }

            if (best == a.Targets[n])
            {
                correct++;
            }
        }

        partial[thread] = correct;
        Group.Barrier();
        for (int half = Group.DimX / 2; half > 0; half /= 2)
        {
            if (thread < half)
            {
                partial[thread] += partial[thread + half];
            }

            Group.Barrier();
        }

        if (thread == 0)
        {
            a.Totals[0] += a.MeanLoss[0] * a.Rows;
            a.Totals[1] += partial[0];
            a.Totals[2] += a.Rows;
        }
    }
}
