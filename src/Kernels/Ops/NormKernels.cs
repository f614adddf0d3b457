using ILGPU;
using SmartFrz.Kernels.Cpu;
using SmartFrz.Kernels.Cuda;

namespace SmartFrz.Kernels;

/// <summary>
/// The squared norm of one buffer, left in pieces in consecutive slots of an array of doubles. Many buffers (the gradients of a
/// network) share one array; <see cref="NormKernel"/> makes their common norm of it.
/// </summary>
public readonly unsafe struct SquaredNormKernel : IKernel
{
    private readonly ReduceGeometry _geometry;
    private readonly DeviceBuffer _x, _slots;
    private readonly int _firstSlot;

    /// <summary>Takes <paramref name="count"/> elements of x; the results go to the slots from <paramref name="firstSlot"/> on.</summary>
    public SquaredNormKernel(DeviceBuffer x, int count, DeviceBuffer slots, int firstSlot)
    {
        _geometry = Geometry(count);
        (_x, _slots, _firstSlot) = (x, slots, firstSlot);
    }

    /// <inheritdoc/>
    public static string Name => "squared_norm";

    /// <inheritdoc/>
    public KernelCost Cost => new(2 * _geometry.Elements, (_geometry.Elements * sizeof(float)) + (_geometry.Pieces * sizeof(double)));

    /// <summary>How many slots a buffer of that many elements takes.</summary>
    public static int Slots(int count) => Geometry(count).Pieces;

    /// <inheritdoc/>
    public void Run(CpuContext cpu) =>
        new SumCpu<SumSquaresOp>
        {
            Cpu = cpu,
            Geometry = _geometry,
            X = CpuContext.Floats(_x),
            Partials = CpuContext.Pointer<double>(_slots) + _firstSlot,
        }.Run();

    /// <inheritdoc/>
    public void Run(CudaContext cuda) =>
        SumCuda.Launch<SumSquaresOp>(cuda, new SumCuda.Args<SumSquaresOp>
        {
            Geometry = _geometry,
            X = CudaContext.Floats(_x),
            Partials = CudaContext.View<double>(_slots).SubView(_firstSlot, _geometry.Pieces),
            IsPartial = 1,
        });

    private static ReduceGeometry Geometry(int count) => ReduceGeometry.Of([count], 1);
}

/// <summary>y[index] = the square root of the sum of all slots.</summary>
public readonly unsafe struct NormKernel(DeviceBuffer slots, int count, DeviceBuffer y, int index = 0) : IKernel
{
    private readonly DeviceBuffer _slots = slots, _y = y;
    private readonly int _count = count, _index = index;

    /// <inheritdoc/>
    public static string Name => "norm";

    /// <inheritdoc/>
    public KernelCost Cost => new(_count, ((long)_count * sizeof(double)) + sizeof(float));

    /// <inheritdoc/>
    public void Run(CpuContext cpu)
    {
        double* slots = CpuContext.Pointer<double>(_slots);
        double sum = 0;
        for (int i = 0; i < _count; i++)
        {
            sum += slots[i];
        }

        CpuContext.Floats(_y)[_index] = (float)Math.Sqrt(sum);
    }

    /// <inheritdoc/>
    public void Run(CudaContext cuda) =>
        cuda.LaunchRows(NormCuda.Apply, 1, new NormCuda.Args { Slots = CudaContext.View<double>(_slots), Y = CudaContext.Floats(_y), Count = _count, Index = _index });
}

/// <summary>The CUDA body of <see cref="NormKernel"/>.</summary>
internal static class NormCuda
{
    public struct Args
    {
        public ArrayView<double> Slots;
        public ArrayView<float> Y;
        public int Count, Index;
    }

    // One group in all; one thread every (group size)-th slot, then a tree.
    [CudaKernel]
    public static void Apply(Args a)
    {
        var shared = SharedMemory.Allocate<double>(CudaDevice.FullGroup);
        int thread = Group.IdxX;
        double sum = 0;
        for (int i = thread; i < a.Count; i += Group.DimX)
        {
            sum += a.Slots[i];
        }

        shared[thread] = sum;
        Group.Barrier();
        for (int half = Group.DimX / 2; half > 0; half /= 2)
        {
            if (thread < half)
            {
                shared[thread] += shared[thread + half];
            }

            Group.Barrier();
        }

        if (thread == 0)
        {
            a.Y[a.Index] = MathF.Sqrt((float)shared[0]);
        }
    }
}
