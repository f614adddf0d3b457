using ILGPU;
using SmartFrz.Kernels.Cpu;
using SmartFrz.Kernels.Cuda;

namespace SmartFrz.Kernels;

/// <summary>
/// Records one snapshot of a layer's tailored weights: how far each sampled weight has moved since the last snapshot, as a share
/// of the sample's root mean square, in half precision.
/// </summary>
/// <remarks>
/// Computes: s_i = w[index_i]; history[slot, i] = half((s_i - last_i) / rms(s)); last_i = s_i.
/// Shapes:   index (n) I32, last (n) F32, history (W, n) F16.
/// The movement and not the weight is stored, because a weight in half precision would round the movement away.
/// </remarks>
public readonly unsafe struct WeightSnapshotKernel(
    DeviceBuffer weights, DeviceBuffer indices, DeviceBuffer last, DeviceBuffer history, int slot, int samples) : IKernel
{
    // Keeps a layer of zeros from dividing by zero; far below any trained weight.
    internal const float SmallestRms = 1e-12f;

    private readonly DeviceBuffer _weights = weights, _indices = indices, _last = last, _history = history;
    private readonly int _slot = slot, _samples = samples;

    /// <inheritdoc/>
    public static string Name => "weight_snapshot";

    /// <inheritdoc/>
    public KernelCost Cost => new(4L * _samples, (4L + 4 + 8 + 2) * _samples);

    /// <inheritdoc/>
    public void Run(CpuContext cpu)
    {
        float* w = CpuContext.Floats(_weights);
        float* last = CpuContext.Floats(_last);
        int* index = CpuContext.Pointer<int>(_indices);
        System.Half* history = CpuContext.Pointer<System.Half>(_history) + ((long)_slot * _samples);
        double squares = 0;
        for (int i = 0; i < _samples; i++)
        {
            float s = w[index[i]];
            squares += (double)s * s;
        }

        float inverse = 1f / MathF.Max(MathF.Sqrt((float)(squares / _samples)), SmallestRms);
        for (int i = 0; i < _samples; i++)
        {
            float s = w[index[i]];
            history[i] = (System.Half)((s - last[i]) * inverse);
            last[i] = s;
        }
    }

    /// <inheritdoc/>
    public void Run(CudaContext cuda) => cuda.LaunchRows(
        WeightSnapshotCuda.Record,
        1,
        new WeightSnapshotCuda.Args
        {
            Weights = CudaContext.Floats(_weights),
            Indices = CudaContext.View<int>(_indices),
            Last = CudaContext.Floats(_last),
            History = CudaContext.View<ILGPU.Half>(_history),
            Slot = _slot,
            Samples = _samples,
        });
}

/// <summary>
/// Reads a layer's window back as the predictor's input: how far each sampled weight stands from where it stood when the window
/// began, snapshot by snapshot, compressed by an inverse hyperbolic sine, which is linear below the unit and logarithmic above it.
/// </summary>
/// <remarks>
/// Computes: x[t, i] = asinh(|sum of history[(oldest + s) mod W, i] over s = 0..t| / unit).
/// Shapes:   history (W, n) F16, x (W, n) F32.
/// The sign is dropped: which way a weight went means nothing, how far and how steadily does.
/// </remarks>
public readonly unsafe struct WeightWindowKernel(DeviceBuffer history, DeviceBuffer x, int oldest, int window, int samples, float unit) : IKernel
{
    private readonly DeviceBuffer _history = history, _x = x;
    private readonly int _oldest = oldest, _window = window, _samples = samples;
    private readonly float _unit = unit;

    /// <inheritdoc/>
    public static string Name => "weight_window";

    /// <inheritdoc/>
    public KernelCost Cost => new(6L * _window * _samples, 6L * _window * _samples);

    /// <inheritdoc/>
    public void Run(CpuContext cpu)
    {
        System.Half* history = CpuContext.Pointer<System.Half>(_history);
        float* x = CpuContext.Floats(_x);
        float inverse = 1f / _unit;
        for (int i = 0; i < _samples; i++)
        {
            float moved = 0f;
            for (int t = 0; t < _window; t++)
            {
                moved += (float)history[((long)((_oldest + t) % _window) * _samples) + i];
                x[((long)t * _samples) + i] = MathF.Asinh(MathF.Abs(moved) * inverse);
            }
        }
    }

    /// <inheritdoc/>
    public void Run(CudaContext cuda) => cuda.LaunchElements(
        WeightSnapshotCuda.Read,
        _samples,
        new WeightSnapshotCuda.ReadArgs
        {
            History = CudaContext.View<ILGPU.Half>(_history),
            X = CudaContext.Floats(_x),
            Oldest = _oldest,
            Window = _window,
            Samples = _samples,
            Inverse = 1f / _unit,
        });
}

/// <summary>The CUDA bodies of <see cref="WeightSnapshotKernel"/> and <see cref="WeightWindowKernel"/>.</summary>
internal static class WeightSnapshotCuda
{
    public struct Args
    {
        public ArrayView<float> Weights, Last;
        public ArrayView<int> Indices;
        public ArrayView<ILGPU.Half> History;
        public int Slot, Samples;
    }

    public struct ReadArgs
    {
        public ArrayView<ILGPU.Half> History;
        public ArrayView<float> X;
        public int Oldest, Window, Samples;
        public float Inverse;
    }

    // One group owns the layer's sample; one thread every (group size)-th weight of it.
    [CudaKernel]
    public static void Record(Args a)
    {
        var partial = SharedMemory.Allocate<float>(CudaDevice.FullGroup);
        int thread = Group.IdxX;
        float squares = 0f;
        for (int i = thread; i < a.Samples; i += Group.DimX)
        {
            float s = a.Weights[a.Indices[i]];
            squares += s * s;
        }

        partial[thread] = squares;
        Group.Barrier();
        for (int half = Group.DimX / 2; half > 0; half /= 2)
        {
            if (thread < half)
            {
                partial[thread] += partial[thread + half];
            }

            Group.Barrier();
        }

        float rms = IntrinsicMath.Max(ILGPU.Algorithms.XMath.Sqrt(partial[0] / a.Samples), WeightSnapshotKernel.SmallestRms);
        for (int i = thread; i < a.Samples; i += Group.DimX)
        {
            float s = a.Weights[a.Indices[i]];
            a.History[(a.Slot * a.Samples) + i] = (ILGPU.Half)((s - a.Last[i]) / rms);
            a.Last[i] = s;
        }
    }

    // One thread owns every (grid size)-th weight of the sample, through the whole window.
    [CudaKernel]
    public static void Read(ReadArgs a)
    {
        for (int i = Grid.GlobalIndex.X; i < a.Samples; i += Grid.DimX * Group.DimX)
        {
            float moved = 0f;
            for (int t = 0; t < a.Window; t++)
            {
                moved += (float)a.History[((a.Oldest + t) % a.Window * a.Samples) + i];
                // asinh in a form that is accurate near zero too: log(1 + (v + v^2 / (1 + sqrt(1 + v^2)))).
                float v = IntrinsicMath.Abs(moved) * a.Inverse;
                a.X[(t * a.Samples) + i] = ILGPU.Algorithms.XMath.Log(1f + v + (v * v / (1f + ILGPU.Algorithms.XMath.Sqrt(1f + (v * v)))));
            }
        }
    }
}
