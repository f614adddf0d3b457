using ILGPU;
using SmartFrz.Kernels.Cpu;
using SmartFrz.Kernels.Cuda;

namespace SmartFrz.Kernels;

/// <summary>y[index] = min(1, limit / (norm + 1e-6)): the factor that brings gradients of that norm down to a limit.</summary>
/// <remarks>A norm that is not a number makes the factor none, as in PyTorch's <c>clip_grad_norm_</c>.</remarks>
public readonly unsafe struct ClipScaleKernel(DeviceBuffer norm, float limit, DeviceBuffer y, int index) : IKernel
{
    // As in PyTorch: keeps a norm of zero from dividing by zero.
    private const float Epsilon = 1e-6f;

    private readonly DeviceBuffer _norm = norm, _y = y;
    private readonly float _limit = limit;
    private readonly int _index = index;

    /// <inheritdoc/>
    public static string Name => "clip_scale";

    /// <inheritdoc/>
    public KernelCost Cost => new(2, 2 * sizeof(float));

    /// <inheritdoc/>
    public void Run(CpuContext cpu) => CpuContext.Floats(_y)[_index] = Scale(*CpuContext.Floats(_norm), _limit);

    /// <inheritdoc/>
    public void Run(CudaContext cuda) => cuda.LaunchElements(
        ClipScaleCuda.Apply,
        1,
        new ClipScaleCuda.Args { Norm = CudaContext.Floats(_norm), Y = CudaContext.Floats(_y), Limit = _limit, Index = _index });

    // Written so that a NaN stays one: no comparison with it holds.
    internal static float Scale(float norm, float limit)
    {
        float scale = limit / (norm + Epsilon);
        return scale > 1f ? 1f : scale;
    }
}

/// <summary>The CUDA body of <see cref="ClipScaleKernel"/>.</summary>
internal static class ClipScaleCuda
{
    public struct Args
    {
        public ArrayView<float> Norm, Y;
        public float Limit;
        public int Index;
    }

    // The first thread of the only group does it all.
    [CudaKernel]
    public static void Apply(Args a)
    {
        if (Grid.GlobalIndex.X == 0)
        {
            a.Y[a.Index] = ClipScaleKernel.Scale(a.Norm[0], a.Limit);
        }
    }
}
