using System.Runtime.CompilerServices;
using ILGPU;
using SmartFrz.Kernels.Cpu;
using SmartFrz.Kernels.Cuda;

namespace SmartFrz.Kernels;

/// <summary>The constants of AdamW; what changes from step to step is in the step block.</summary>
/// <param name="Beta1">The decay of the first moment.</param>
/// <param name="Beta2">The decay of the second moment.</param>
/// <param name="Eps">Keeps a vanishing second moment from dividing by zero.</param>
/// <param name="WeightDecay">The share of the weight that decays, times the learning rate.</param>
/// <param name="LearningRateFactor">The group's learning rate as a multiple of the schedule's.</param>
public readonly record struct AdamWConstants(float Beta1, float Beta2, float Eps, float WeightDecay, float LearningRateFactor);

/// <summary>One update of AdamW, in one pass over weight, gradient and both moments.</summary>
/// <remarks>
/// Computes: g = scale * grad; w -= lr * weight_decay * w; m = beta1 * m + (1 - beta1) * g; v = beta2 * v + (1 - beta2) * g^2;
///           w -= lr / c1 * m / (sqrt(v) / c2 + eps), with c1 = 1 - beta1^t and c2 = sqrt(1 - beta2^t).
/// Shapes:   step block: row r has [4r] the learning rate, [4r+1] the scale, [4r+2] 1 / c1, [4r+3] 1 / c2.
/// Source:   Loshchilov, Hutter, "Decoupled weight decay regularization" (arXiv 1711.05101), algorithm 2, in PyTorch's form.
/// </remarks>
public readonly unsafe struct AdamWKernel(
    AdamWConstants constants, DeviceBuffer stepBlock, int row, DeviceBuffer weight, DeviceBuffer gradient, DeviceBuffer first, DeviceBuffer second, long count) : IKernel
{
    /// <summary>Floats of a row of the step block.</summary>
    public const int RowLength = 4;

    private readonly AdamWConstants _constants = constants;
    private readonly DeviceBuffer _stepBlock = stepBlock, _weight = weight, _gradient = gradient, _first = first, _second = second;
    private readonly int _row = row;
    private readonly long _count = count;

    /// <inheritdoc/>
    public static string Name => "adamw";

    /// <inheritdoc/>
    public KernelCost Cost => KernelCost.Elementwise(_count, 16, 7);

    /// <inheritdoc/>
    public void Run(CpuContext cpu)
    {
        float* block = CpuContext.Floats(_stepBlock) + ((long)_row * RowLength);
        float rate = block[0] * _constants.LearningRateFactor;
        var loop = new CpuLoop<Chunk>(
            new Chunk
            {
                Constants = _constants,
                Decay = 1f - (rate * _constants.WeightDecay),
                Rate = rate * block[2],
                Scale = block[1],
                Correction2 = block[3],
                Weight = CpuContext.Floats(_weight),
                Gradient = CpuContext.Floats(_gradient),
                First = CpuContext.Floats(_first),
                Second = CpuContext.Floats(_second),
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
            First = CudaContext.Floats(_first),
            Second = CudaContext.Floats(_second),
            Row = _row,
            Count = _count,
            Beta1 = _constants.Beta1,
            Beta2 = _constants.Beta2,
            Eps = _constants.Eps,
            WeightDecay = _constants.WeightDecay,
            LearningRateFactor = _constants.LearningRateFactor,
        });

    private struct Chunk : ICpuChunk
    {
        public AdamWConstants Constants;
        public float Decay, Rate, Scale, Correction2;
        public float* Weight, Gradient, First, Second;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly void Vector<S, V>(long i)
            where S : struct, ISimd<V>
            where V : unmanaged
        {
            V m = S.Load(First + i), v = S.Load(Second + i);
            V w = Update<S, V>(S.Load(Weight + i), S.Load(Gradient + i), ref m, ref v);
            S.Store(First + i, m);
            S.Store(Second + i, v);
            S.Store(Weight + i, w);
        }

        public readonly void Tail<S, V>(long i, int n)
            where S : struct, ISimd<V>
            where V : unmanaged
        {
            float* pad = stackalloc float[4 * S.Width];
            for (int k = 0; k < 4 * S.Width; k++)
            {
                pad[k] = 0;
            }

            for (int k = 0; k < n; k++)
            {
                pad[k] = Weight[i + k];
                pad[S.Width + k] = Gradient[i + k];
                pad[(2 * S.Width) + k] = First[i + k];
                pad[(3 * S.Width) + k] = Second[i + k];
            }

            V m = S.Load(pad + (2 * S.Width)), v = S.Load(pad + (3 * S.Width));
            S.Store(pad, Update<S, V>(S.Load(pad), S.Load(pad + S.Width), ref m, ref v));
            S.Store(pad + (2 * S.Width), m);
            S.Store(pad + (3 * S.Width), v);
            for (int k = 0; k < n; k++)
            {
                Weight[i + k] = pad[k];
                First[i + k] = pad[(2 * S.Width) + k];
                Second[i + k] = pad[(3 * S.Width) + k];
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private readonly V Update<S, V>(V w, V gradient, ref V m, ref V v)
            where S : struct, ISimd<V>
            where V : unmanaged
        {
            V g = S.Mul(S.Set(Scale), gradient);
            m = S.Fma(S.Set(Constants.Beta1), m, S.Mul(S.Set(1f - Constants.Beta1), g));
            v = S.Fma(S.Set(Constants.Beta2), v, S.Mul(S.Set(1f - Constants.Beta2), S.Mul(g, g)));
            V spread = S.Fma(S.Sqrt(v), S.Set(Correction2), S.Set(Constants.Eps));
            return S.Sub(S.Mul(S.Set(Decay), w), S.Div(S.Mul(S.Set(Rate), m), spread));
        }
    }
}

/// <summary>The CUDA body of <see cref="AdamWKernel"/>.</summary>
internal static class AdamWCuda
{
    public struct Args
    {
        public ArrayView<float> StepBlock, Weight, Gradient, First, Second;
        public int Row;
        public long Count;
        public float Beta1, Beta2, Eps, WeightDecay, LearningRateFactor;
    }

    // One thread owns every (grid size)-th weight with its gradient and moments.
    [CudaKernel]
    public static void Update(Args a)
    {
        int row = a.Row * AdamWKernel.RowLength;
        float rate = a.StepBlock[row] * a.LearningRateFactor;
        float scale = a.StepBlock[row + 1], correction1 = a.StepBlock[row + 2], correction2 = a.StepBlock[row + 3];
        for (long i = Grid.GlobalIndex.X; i < a.Count; i += Grid.DimX * Group.DimX)
        {
            float g = scale * a.Gradient[i];
            float m = (a.Beta1 * a.First[i]) + ((1f - a.Beta1) * g);
            float v = (a.Beta2 * a.Second[i]) + ((1f - a.Beta2) * g * g);
            a.First[i] = m;
            a.Second[i] = v;
            float w = a.Weight[i] * (1f - (rate * a.WeightDecay));
            a.Weight[i] = w - (rate * correction1 * m / ((ILGPU.Algorithms.XMath.Sqrt(v) * correction2) + a.Eps));
        }
    }
}
