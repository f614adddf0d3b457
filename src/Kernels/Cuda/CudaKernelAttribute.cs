namespace SmartFrz.Kernels.Cuda;

/// <summary>
/// Marks a static method as a CUDA kernel: one argument struct, explicitly grouped. Tests find the kernels by this mark, compile
/// each to PTX (a generic one for every operator struct that fits its constraint) and lint the text.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class CudaKernelAttribute : Attribute
{
    /// <summary>The largest group it is launched with.</summary>
    public int MaxGroup { get; init; } = CudaDevice.FullGroup;
}
