using ILGPU;
using SmartFrz.Kernels.Cpu;
using SmartFrz.Kernels.Cuda;

namespace SmartFrz.Kernels;

/// <summary>y[i] = value.</summary>
public readonly unsafe struct FillKernel(DeviceBuffer y, float value, long count) : IKernel
{
    private readonly DeviceBuffer _y = y;
    private readonly float _value = value;
    private readonly long _count = count;

    /// <inheritdoc/>
    public static string Name => "fill";

    /// <inheritdoc/>
    public KernelCost Cost => KernelCost.Elementwise(_count, 0, 1);

    /// <inheritdoc/>
    public void Run(CpuContext cpu)
    {
        float* y = CpuContext.Floats(_y);
        for (long i = 0; i < _count; i += int.MaxValue)
        {
            new Span<float>(y + i, (int)Math.Min(int.MaxValue, _count - i)).Fill(_value);
        }
    }

    /// <inheritdoc/>
    public void Run(CudaContext cuda) =>
        cuda.LaunchElements(FillCuda.Apply, _count, new FillCuda.Args { Y = CudaContext.Floats(_y), Value = _value, Count = _count });
}

/// <summary>The CUDA body of <see cref="FillKernel"/>.</summary>
internal static class FillCuda
{
    public struct Args
    {
        public ArrayView<float> Y;
        public float Value;
        public long Count;
    }

    // One thread owns every (grid size)-th element.
    [CudaKernel]
    public static void Apply(Args a)
    {
        for (long i = Grid.GlobalIndex.X; i < a.Count; i += Grid.DimX * Group.DimX)
        {
            a.Y[i] = a.Value;
        }
    }
}
