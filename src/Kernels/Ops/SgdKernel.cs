using System.Runtime.CompilerServices;
using ILGPU;
using SmartFrz.Kernels.Cpu;
using SmartFrz.Kernels.Cuda;

namespace SmartFrz.Kernels;

/// <summary>The constants of stochastic gradient descent; what changes from step to step is in the step block.</summary>
/// <param name="Momentum">The share of the last update that goes on.</param>
/// <param name="WeightDecay">Added to the gradient as weight_decay * w.</param>
/// <param name="Nesterov">Whether the update looks ahead.</param>
/// <param name="LearningRateFactor">The group's learning rate as a multiple of the schedule's.</param>
public readonly record struct SgdConstants(float Momentum, float WeightDecay, bool Nesterov, float LearningRateFactor);

/// <summary>
/// One update of stochastic gradient descent, in one pass over weight, gradient and momentum.
/// </summary>
/// <remarks>
/// Computes: g = scale * grad + weight_decay * w; m = momentum * m + g; w -= lr * (nesterov ? g + momentum * m : m).
/// Shapes:   step block: [0] the learning rate, [1] the scale of the gradients. Without momentum there is no m.
/// Source:   Sutskever et al., "On the importance of initialization and momentum in deep learning" (ICML 2013), in PyTorch's form.
/// </remarks>
public readonly unsafe struct SgdKernel(
    SgdConstants constants, DeviceBuffer stepBlock, DeviceBuffer weight, DeviceBuffer gradient, DeviceBuffer momentum, long count) : IKernel
{
    private readonly SgdConstants _constants = constants;
    private readonly DeviceBuffer _stepBlock = stepBlock, _weight = weight, _gradient = gradient, _momentum = momentum;
    private readonly long _count = count;

    /// <inheritdoc/>
    public static string Name => "sgd";

    /// <inheritdoc/>
    public KernelCost Cost => KernelCost.Elementwise(_count, _constants.Momentum == 0 ? 5 : _constants.Nesterov ? 9 : 7, _constants.Momentum == 0 ? 3 : 5);

    /// <inheritdoc/>
    public void Run(CpuContext cpu)
    {
        float* block = CpuContext.Floats(_stepBlock);
        var loop = new CpuLoop<Chunk>(
            new Chunk
            {
                Constants = _constants,
                LearningRate = block[0] * _constants.LearningRateFactor,
                Scale = block[1],
                Weight = CpuContext.Floats(_weight),
                Gradient = CpuContext.Floats(_gradient),
                Momentum = CpuContext.Floats(_momentum),
            },
            cpu,
            _count);
        loop.Run();
    }

    /// <inheritdoc/>
    public void Run(CudaContext cuda) => cuda.LaunchElements(
        SgdCuda.Update,
        _count,
        new SgdCuda.Args
        {
            StepBlock = CudaContext.Floats(_stepBlock),
            Weight = CudaContext.Floats(_weight),
            Gradient = CudaContext.Floats(_gradient),
            Momentum = CudaContext.Floats(_momentum),
            Count = _count,
            MomentumShare = _constants.Momentum,
            WeightDecay = _constants.WeightDecay,
            LearningRateFactor = _constants.LearningRateFactor,
            Nesterov = _constants.Nesterov ? 1 : 0,
            HasMomentum = _momentum.IsNull ? 0 : 1,
        });

    private struct Chunk : ICpuChunk
    {
        public SgdConstants Constants;
        public float LearningRate, Scale;
        public float* Weight, Gradient, Momentum;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly void Vector<S, V>(long i)
            where S : struct, ISimd<V>
            where V : unmanaged
        {
            V w = S.Load(Weight + i);
            V m = Momentum is null ? S.Zero : S.Load(Momentum + i);
            w = Update<S, V>(w, S.Load(Gradient + i), ref m);
            if (Momentum is not null)
            {
                S.Store(Momentum + i, m);
            }

            S.Store(Weight + i, w);
        }

        public readonly void Tail<S, V>(long i, int n)
            where S : struct, ISimd<V>
            where V : unmanaged
        {
            float* pad = stackalloc float[3 * S.Width];
            for (int k = 0; k < 3 * S.Width; k++)
            {
                pad[k] = 0;
            }

            for (int k = 0; k < n; k++)
            {
                pad[k] = Weight[i + k];
                pad[S.Width + k] = Gradient[i + k];
                pad[(2 * S.Width) + k] = Momentum is null ? 0 : Momentum[i + k];
            }

            V m = S.Load(pad + (2 * S.Width));
            S.Store(pad, Update<S, V>(S.Load(pad), S.Load(pad + S.Width), ref m));
            S.Store(pad + S.Width, m);
            for (int k = 0; k < n; k++)
            {
                Weight[i + k] = pad[k];
                if (Momentum is not null)
                {
                    Momentum[i + k] = pad[S.Width + k];
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private readonly V Update<S, V>(V w, V gradient, ref V m)
            where S : struct, ISimd<V>
            where V : unmanaged
        {
            V g = S.Fma(S.Set(Constants.WeightDecay), w, S.Mul(S.Set(Scale), gradient));
            m = S.Fma(S.Set(Constants.Momentum), m, g);
            V step = Constants.Nesterov ? S.Fma(S.Set(Constants.Momentum), m, g) : m;
            return S.Sub(w, S.Mul(S.Set(LearningRate), step));
        }
    }
}

/// <summary>The CUDA body of <see cref="SgdKernel"/>.</summary>
internal static class SgdCuda
{
    public struct Args
    {
        public ArrayView<float> StepBlock, Weight, Gradient, Momentum;
        public long Count;
        public float MomentumShare, WeightDecay, LearningRateFactor;
        public int Nesterov, HasMomentum;
    }

    // One thread owns every (grid size)-th weight with its gradient and momentum.
    [CudaKernel]
    public static void Update(Args a)
    {
        float rate = a.StepBlock[0] * a.LearningRateFactor;
        float scale = a.StepBlock[1];
        for (long i = Grid.GlobalIndex.X; i < a.Count; i += Grid.DimX * Group.DimX)
        {
            float w = a.Weight[i];
            float g = (scale * a.Gradient[i]) + (a.WeightDecay * w);
            float m = g;
            if (a.HasMomentum != 0)
            {
                m += a.MomentumShare * a.Momentum[i];
                a.Momentum[i] = m;
            }

            a.Weight[i] = w - (rate * (a.Nesterov != 0 ? g + (a.MomentumShare * m) : m));
        }
    }
}
