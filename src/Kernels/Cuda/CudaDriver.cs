using System.Runtime.InteropServices;
using ILGPU;

namespace SmartFrz.Kernels.Cuda;

/// <summary>Finds NVIDIA's driver library. A machine without one pays for the failed look-up and nothing else.</summary>
internal static class CudaDriver
{
    // ILGPU asks for "cuda" (libcuda.so), while containers and driver mounts often hold libcuda.so.1 alone.
    private static readonly string[] Names = OperatingSystem.IsWindows()
        ? ["nvcuda.dll"]
        : ["libcuda.so.1", "libcuda.so", "/usr/local/nvidia/lib64/libcuda.so.1"];

    private static readonly Lazy<nint> Library = new(() =>
    {
        foreach (string name in Names)
        {
            if (NativeLibrary.TryLoad(name, typeof(CudaDriver).Assembly, null, out nint handle))
            {
                return handle;
            }
        }

        return 0;
    });

    private static readonly Lazy<bool> Resolver = new(() =>
    {
        try
        {
            NativeLibrary.SetDllImportResolver(typeof(Context).Assembly, static (name, _, _) => name == "cuda" ? Library.Value : 0);
            return true;
        }
        catch (InvalidOperationException)
        {
            // An assembly has one resolver. A program that uses ILGPU beside us may have set its own, which then finds the driver for both.
            return false;
        }
    });

    /// <summary>Whether there is a driver library.</summary>
    public static bool IsPresent => Library.Value != 0;

    /// <summary>What to say when there is none.</summary>
    public static string NotFound => $"the NVIDIA driver library ({string.Join(", ", Names.Take(2))}) was not found";

    /// <summary>Leads ILGPU to it.</summary>
    public static void UseForIlgpu() => _ = Resolver.Value;
}
