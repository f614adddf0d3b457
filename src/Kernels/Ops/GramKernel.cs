using SmartFrz.Kernels.Cpu;
using SmartFrz.Kernels.Cuda;

namespace SmartFrz.Kernels;

/// <summary>The symmetric product G = X X^T of n rows: the inner product of each row with each.</summary>
/// <param name="n">Rows.</param>
/// <param name="k">Elements of a row.</param>
/// <param name="x">X: [n,k].</param>
/// <param name="g">G: [n,n].</param>
public readonly unsafe struct GramKernel(int n, int k, DeviceBuffer x, DeviceBuffer g) : IKernel
{
    private readonly int _n = n, _k = k;
    private readonly DeviceBuffer _x = x, _g = g;

    /// <inheritdoc/>
    public static string Name => "gram";

    /// <inheritdoc/>
    /// <remarks>Half of a matrix product's: G is symmetric.</remarks>
    public KernelCost Cost => new((long)_n * (_n + 1) * _k, sizeof(float) * (((long)_n * _k) + ((long)_n * _n)));

    /// <inheritdoc/>
    public void Run(CpuContext cpu) => CpuGemm.Gram(cpu.Pool, cpu.Isa, _n, _k, CpuContext.Floats(_x), CpuContext.Floats(_g));

    /// <inheritdoc/>
    public void Run(CudaContext cuda) => new GemmKernel(new GemmShape(_n, _n, _k, false, true, false), _x, _x, _g).Run(cuda);
}
