using System.Runtime.CompilerServices;
using ILGPU;
using SmartFrz.Kernels.Cpu;
using SmartFrz.Kernels.Cuda;
using SmartFrz.Kernels.Random;

namespace SmartFrz.Kernels;

/// <summary>y[i] = keep(i) * x[i] / (1 - probability), or y[i] += that; keep(i) is 0 with the given probability, else 1.</summary>
/// <remarks>
/// Element i is kept where the 24 upper bits of word i mod 4 of Philox block (i / 4, step) reach probability * 2^24: the same on every
/// device, and again in the backward pass.
/// Shapes: step (1) I64, on the device because it changes from step to step.
/// </remarks>
public readonly unsafe struct DropoutKernel(
    float probability, Philox key, DeviceBuffer step, DeviceBuffer x, DeviceBuffer y, long count, bool accumulate = false) : IKernel
{
    private const int LaneBits = 24;

    private readonly Philox _key = key;
    private readonly DeviceBuffer _step = step, _x = x, _y = y;
    private readonly long _count = count;
    private readonly float _scale = (float)(1.0 / (1.0 - probability));
    private readonly uint _threshold = (uint)Math.Ceiling((double)probability * (1 << LaneBits));
    private readonly bool _accumulate = accumulate;

    /// <inheritdoc/>
    public static string Name => "dropout";

    /// <inheritdoc/>
    public KernelCost Cost => KernelCost.Elementwise(_count, 1, _accumulate ? 3 : 2);

    /// <inheritdoc/>
    public void Run(CpuContext cpu)
    {
        var loop = new CpuLoop<Chunk>(
            new Chunk
            {
                Key = _key,
                Step = (ulong)*CpuContext.Pointer<long>(_step),
                Scale = _scale,
                Threshold = _threshold,
                X = CpuContext.Floats(_x),
                Y = CpuContext.Floats(_y),
                Accumulate = _accumulate,
            },
            cpu,
            _count);
        loop.Run();
    }

    /// <inheritdoc/>
    public void Run(CudaContext cuda) => cuda.LaunchElements(
        DropoutCuda.Apply,
        (_count + 3) / 4,
        new DropoutCuda.Args
        {
            Step = CudaContext.View<long>(_step),
            X = CudaContext.Floats(_x),
            Y = CudaContext.Floats(_y),
            Count = _count,
            Key = _key,
            Scale = _scale,
            Threshold = _threshold,
            Accumulate = _accumulate ? 1 : 0,
        });

    /// <summary>1 / (1 - probability) for a kept element, 0 for another.</summary>
    internal static float Factor(uint word, uint threshold, float scale) => word >> (32 - LaneBits) >= threshold ? scale : 0f;

    private struct Chunk : ICpuChunk
    {
        public Philox Key;
        public ulong Step;
        public float Scale;
        public uint Threshold;
        public float* X, Y;
        public bool Accumulate;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly void Vector<S, V>(long i)
            where S : struct, ISimd<V>
            where V : unmanaged
        {
            Lanes factors;
            Fill(factors.Values, i, S.Width);
            V y = S.Mul(S.Load(X + i), S.Load(factors.Values));
            S.Store(Y + i, Accumulate ? S.Add(S.Load(Y + i), y) : y);
        }

        public readonly void Tail<S, V>(long i, int n)
            where S : struct, ISimd<V>
            where V : unmanaged
        {
            Lanes factors;
            Fill(factors.Values, i, n);
            for (int k = 0; k < n; k++)
            {
                float y = X[i + k] * factors.Values[k];
                Y[i + k] = Accumulate ? Y[i + k] + y : y;
            }
        }

        // The factors of n elements from i on, a multiple of four; up to three more are written.
        private readonly void Fill(float* factors, long i, int n)
        {
            for (int k = 0; k < n; k += 4)
            {
                var (a, b, c, d) = Key.Block((ulong)(i + k) >> 2, Step);
                factors[k] = Factor(a, Threshold, Scale);
                factors[k + 1] = Factor(b, Threshold, Scale);
                factors[k + 2] = Factor(c, Threshold, Scale);
                factors[k + 3] = Factor(d, Threshold, Scale);
            }
        }
    }

    // A stack array inside a loop would grow the stack at each turn; a field does not.
    private struct Lanes
    {
        public fixed float Values[16];
    }
}

/// <summary>The CUDA body of <see cref="DropoutKernel"/>.</summary>
internal static class DropoutCuda
{
    public struct Args
    {
        public ArrayView<long> Step;
        public ArrayView<float> X, Y;
        public long Count;
        public Philox Key;
        public float Scale;
        public uint Threshold;
        public int Accumulate;
    }

    // One thread owns four neighbouring elements, whose random words are one block, at every (grid size)-th place.
    [CudaKernel]
    public static void Apply(Args a)
    {
        ulong step = (ulong)a.Step[0];
        for (long block = Grid.GlobalIndex.X; block * 4 < a.Count; block += Grid.DimX * Group.DimX)
        {
            var words = a.Key.Block((ulong)block, step);
            long i = block * 4;
            Write(a, i, words.X);
            Write(a, i + 1, words.Y);
            Write(a, i + 2, words.Z);
            Write(a, i + 3, words.W);
        }
    }

    private static void Write(Args a, long i, uint word)
    {
        if (i < a.Count)
        {
            float y = a.X[i] * DropoutKernel.Factor(word, a.Threshold, a.Scale);
            a.Y[i] = a.Accumulate != 0 ? a.Y[i] + y : y;
        }
    }
}
