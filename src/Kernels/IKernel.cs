using SmartFrz.Kernels.Cpu;
using SmartFrz.Kernels.Cuda;

namespace SmartFrz.Kernels;

/// <summary>
/// One kernel launch: its buffers and sizes as a plain struct, its cost, and its two bodies. A new kernel is a new struct in a
/// file of its own; nothing else needs to know it.
/// </summary>
public interface IKernel
{
    /// <summary>The name in the ledger: operation and role, as in <c>conv2d.backward_weight</c>.</summary>
    static abstract string Name { get; }

    /// <summary>The work of this launch. Depends on the sizes alone, so that a plan can ask a launch that has no buffers.</summary>
    KernelCost Cost { get; }

    /// <summary>Runs it on the CPU's vector units.</summary>
    void Run(CpuContext cpu);

    /// <summary>Launches it on a GPU.</summary>
    void Run(CudaContext cuda);
}
