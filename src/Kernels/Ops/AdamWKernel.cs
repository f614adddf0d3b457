using System.Runtime.CompilerServices;
using ILGPU;
using SmartFrz.Kernels.Cpu;
using SmartFrz.Kernels.Cuda;

namespace SmartFrz.Kernels;

/// <summary>The constants of AdamW; what changes from step to step is in the step block.</summary>
/// <remarks>
/// Doubles: 1 - 0.999 from single precision is off by 1.3e-5 of itself, and so would the second moment be.
/// </remarks>
/// <param name="Beta1">The share of the mean gradient that goes on.</param>
/// <param name="Beta2">The share of the mean square that goes on.</param>
/// <param name="Eps">Added to the root of the mean square.</param>
/// <param name="WeightDecay">Weights shrink by lr * weight_decay, apart from the gradient.</param>
/// <param name="LearningRateFactor">The group's learning rate as a multiple of the schedule's.</param>
public readonly record struct AdamWConstants(double Beta1, double Beta2, float Eps, float WeightDecay, float LearningRateFactor);

/// <summary>One update of AdamW, in one pass over weight, gradient and both moments.</summary>
/// <remarks>
/// Computes: g = scale * grad; w -= lr * weight_decay * w; m += (1 - beta1) * (g - m); v = beta2 * v + (1 - beta2) * g^2;
///           w -= lr * c1 * m / (sqrt(v) * c2 + eps), with c1 = 1 / (1 - beta1^t) and c2 = 1 / sqrt(1 - beta2^t).
/// Shapes:   step block: [0] the learning rate, [1] the scale of the gradients, [slot] c1, [slot + 1] c2 of this parameter's own t.
/// Source:   Loshchilov, Hutter, "Decoupled weight decay regularization" (arXiv 1711.05101), algorithm 2, in PyTorch's form.
/// </remarks>
public readonly unsafe struct AdamWKernel(
    AdamWConstants constants,
    DeviceBuffer stepBlock,
    int slot,
    DeviceBuffer weight,
    DeviceBuffer gradient,
    DeviceBuffer mean,
    DeviceBuffer square,
    long count) : IKernel
{
    private readonly AdamWConstants _constants = constants;
    private readonly DeviceBuffer _stepBlock = stepBlock, _weight = weight, _gradient = gradient, _mean = mean, _square = square;
    private readonly int _slot = slot;
    private readonly long _count = count;

    /// <inheritdoc/>
    public static string Name => "adamw";

    /// <inheritdoc/>
    public KernelCost Cost => KernelCost.Elementwise(_count, 16, 7);

    /// <inheritdoc/>
    public void Run(CpuContext cpu)
    {
        float* block = CpuContext.Floats(_stepBlock);
        float rate = block[0] * _constants.LearningRateFactor;
        var loop = new CpuLoop<Chunk>(
            new Chunk
            {
                Scale = block[1],
                Shrink = rate * _constants.WeightDecay,
                MeanShare = (float)(1.0 - _constants.Beta1),
                SquareKept = (float)_constants.Beta2,
                SquareShare = (float)(1.0 - _constants.Beta2),
                Rate = rate * block[_slot],
                RootCorrection = block[_slot + 1],
                Eps = _constants.Eps,
                Weight = CpuContext.Floats(_weight),
                Gradient = CpuContext.Floats(_gradient),
                Mean = CpuContext.Floats(_mean),
                Square = CpuContext.Floats(_square),
            },
            cpu,
            _count);
        loop.Run();
    }

    /// <inheritdoc/>
    public void Run(CudaContext cuda) => cuda.LaunchElements(
        AdamWCuda.Update,
        _count,
        new AdamWCuda.Args
        {
            StepBlock = CudaContext.Floats(_stepBlock),
            Weight = CudaContext.Floats(_weight),
            Gradient = CudaContext.Floats(_gradient),
            Mean = CudaContext.Floats(_mean),
            Square = CudaContext.Floats(_square),
            Count = _count,
            Slot = _slot,
            MeanShare = (float)(1.0 - _constants.Beta1),
            SquareKept = (float)_constants.Beta2,
            SquareShare = (float)(1.0 - _constants.Beta2),
            Eps = _constants.Eps,
            WeightDecay = _constants.WeightDecay,
            LearningRateFactor = _constants.LearningRateFactor,
        });

    private struct Chunk : ICpuChunk
    {
        public float Scale, Shrink, MeanShare, SquareKept, SquareShare, Rate, RootCorrection, Eps;
        public float* Weight, Gradient, Mean, Square;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly void Vector<S, V>(long i)
            where S : struct, ISimd<V>
            where V : unmanaged
        {
            V mean = S.Load(Mean + i), square = S.Load(Square + i);
            S.Store(Weight + i, Update<S, V>(S.Load(Weight + i), S.Load(Gradient + i), ref mean, ref square));
            S.Store(Mean + i, mean);
            S.Store(Square + i, square);
        }

        public readonly void Tail<S, V>(long i, int n)
            where S : struct, ISimd<V>
            where V : unmanaged
        {
            float* w = stackalloc float[4 * S.Width];
            float* g = w + S.Width;
            float* m = g + S.Width;
            float* v = m + S.Width;
            for (int k = 0; k < S.Width; k++)
            {
                long at = i + Math.Min(k, n - 1);
                (w[k], g[k], m[k], v[k]) = (Weight[at], Gradient[at], Mean[at], Square[at]);
            }

            V mean = S.Load(m), square = S.Load(v);
            S.Store(w, Update<S, V>(S.Load(w), S.Load(g), ref mean, ref square));
            S.Store(m, mean);
            S.Store(v, square);
            for (int k = 0; k < n; k++)
            {
                (Weight[i + k], Mean[i + k], Square[i + k]) = (w[k], m[k], v[k]);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private readonly V Update<S, V>(V w, V gradient, ref V mean, ref V square)
            where S : struct, ISimd<V>
            where V : unmanaged
        {
            V g = S.Mul(S.Set(Scale), gradient);
            w = S.Fma(S.Set(-Shrink), w, w);
            mean = S.Fma(S.Set(MeanShare), S.Sub(g, mean), mean);
            square = S.Fma(S.Set(SquareShare), S.Mul(g, g), S.Mul(S.Set(SquareKept), square));
            V root = S.Fma(S.Sqrt(square), S.Set(RootCorrection), S.Set(Eps));
            return S.Sub(w, S.Div(S.Mul(S.Set(Rate), mean), root));
        }
    }
}

/// <summary>The CUDA body of <see cref="AdamWKernel"/>.</summary>
internal static class AdamWCuda
{
    public struct Args
    {
        public ArrayView<float> StepBlock, Weight, Gradient, Mean, Square;
        public long Count;
        public int Slot;
        public float MeanShare, SquareKept, SquareShare, Eps, WeightDecay, LearningRateFactor;
    }

    // One thread owns every (grid size)-th weight with its gradient and moments.
    [CudaKernel]
    public static void Update(Args a)
    {
        float rate = a.StepBlock[0] * a.LearningRateFactor;
        float scale = a.StepBlock[1];
        float shrink = rate * a.WeightDecay;
        float step = rate * a.StepBlock[a.Slot];
        float correction = a.StepBlock[a.Slot + 1];
        for (long i = Grid.GlobalIndex.X; i < a.Count; i += Grid.DimX * Group.DimX)
        {
            float g = scale * a.Gradient[i];
            float w = a.Weight[i];
            w -= shrink * w;
            float mean = a.Mean[i];
            mean += a.MeanShare * (g - mean);
            float square = (a.SquareKept * a.Square[i]) + (a.SquareShare * (g * g));
            a.Mean[i] = mean;
            a.Square[i] = square;
            a.Weight[i] = w - (step * mean / ((MathF.Sqrt(square) * correction) + a.Eps));
        }
    }
}
