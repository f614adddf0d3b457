using ILGPU;
using ILGPU.Algorithms;

namespace SmartFrz.Kernels.Cuda;

/// <summary>The CUDA bodies of the cross-entropy kernels.</summary>
internal static class CrossEntropyCuda
{
    /// <summary>Class numbers of either width.</summary>
    public readonly struct Targets
    {
        private readonly ArrayView<int> _narrow;
        private readonly ArrayView<long> _wide;
        private readonly int _isWide;

        public Targets(DeviceBuffer buffer, DType type)
        {
            _isWide = type == DType.I64 ? 1 : 0;
            _narrow = CudaContext.View<int>(buffer);
            _wide = type == DType.I64 ? CudaContext.View<long>(buffer) : default;
        }

        /// <summary>The class of a row; -1 when it is outside 0..classes-1.</summary>
        public int Of(int row, int classes)
        {
            long t = _isWide != 0 ? _wide[row] : _narrow[row];
            return t >= 0 && t < classes ? (int)t : -1;
        }
    }

    public struct Args
    {
        public ArrayView<float> Logits, Losses, LogSums;
        public Targets Targets;
        public int Classes;
        public float Smoothing;
    }

    public struct BackwardArgs
    {
        public ArrayView<float> Dy, Logits, LogSums, Dx;
        public Targets Targets;
        public int Rows, Classes, Accumulate;
        public float Smoothing;
    }

    public struct MeanArgs
    {
        public ArrayView<float> Losses, Mean;
        public int Rows;
    }

    // One group owns a row; one thread every (group size)-th logit of it.
    [CudaKernel]
    public static void Forward(Args a)
    {
        var partial = SharedMemory.Allocate<float>(CudaDevice.FullGroup);
        int n = Grid.IdxX;
        long row = (long)n * a.Classes;
        float largest = float.NegativeInfinity, total = 0f;
        for (int c = Group.IdxX; c < a.Classes; c += Group.DimX)
        {
            largest = CudaReduce.Larger(largest, a.Logits[row + c]);
            total += a.Logits[row + c];
        }

        largest = CudaReduce.Max(partial, largest);
        total = GroupSum.All(total);

        // The largest class contributes exactly 1: log(1 + rest) keeps its digits where the row is nearly certain.
        float rest = 0f, equals = 0f;
        for (int c = Group.IdxX; c < a.Classes; c += Group.DimX)
        {
            float x = a.Logits[row + c];
            rest += x < largest ? XMath.Exp(x - largest) : 0f;
            equals += x == largest ? 1f : 0f;
        }

        rest = GroupSum.All(rest) + (GroupSum.All(equals) - 1f);
        if (Group.IdxX == 0)
        {
            // Below the bound the first three terms of the series are exact to a float.
            float log = rest < 0.004f ? rest * (1f - (rest * (0.5f - (rest / 3f)))) : XMath.Log(1f + rest);
            a.LogSums[n] = largest + log;
            int t = a.Targets.Of(n, a.Classes);
            float loss = float.NaN;
            if (t >= 0)
            {
                loss = log + ((1f - a.Smoothing) * (largest - a.Logits[row + t])) + (a.Smoothing * (largest - (total / a.Classes)));
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
            float wanted = rest + (c == a.Targets.Of(n, a.Classes) ? 1f - a.Smoothing : 0f);
            float g = scale * (XMath.Exp(a.Logits[i] - a.LogSums[n]) - wanted);
            a.Dx[i] = a.Accumulate != 0 ? a.Dx[i] + g : g;
        }
    }

    // One group owns the sum; one thread every (group size)-th row.
    [CudaKernel]
    public static void Mean(MeanArgs a)
    {
        var partial = SharedMemory.Allocate<double>(CudaDevice.FullGroup);
        double sum = 0;
        for (int n = Group.IdxX; n < a.Rows; n += Group.DimX)
        {
            sum += a.Losses[n];
        }

        sum = CudaReduce.Sum(partial, sum);
        if (Group.IdxX == 0)
        {
            a.Mean[0] = (float)(sum / a.Rows);
        }
    }
}
