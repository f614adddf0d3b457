using System.Reflection;
using ILGPU;

namespace SmartFrz.Kernels.Cuda;

/// <summary>
/// Runs kernels in the place of ILGPU and is told what happens to the memory, so that the checks can run the generated PTX on a machine
/// without a GPU and see what it touches.
/// </summary>
internal interface ICudaStandIn
{
    /// <summary>What the device is called.</summary>
    string Name { get; }

    /// <summary>Memory was taken; its content is undefined.</summary>
    void Allocated(nint address, long bytes);

    /// <summary>Memory was given back.</summary>
    void Freed(nint address);

    /// <summary>The host has written there.</summary>
    void Written(nint address, long bytes);

    /// <summary>A buffer's owner has let go of it: its content is undefined again.</summary>
    void Released(nint address, long bytes);

    /// <summary>Runs a kernel to its end.</summary>
    void Launch<TArgs>(MethodInfo kernel, KernelConfig config, in TArgs args)
        where TArgs : struct;
}
