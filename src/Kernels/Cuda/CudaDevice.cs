using System.Collections.Concurrent;
using System.Reflection;
using System.Runtime.InteropServices;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;
using ILGPU.Runtime.Cuda;

namespace SmartFrz.Kernels.Cuda;

/// <summary>An NVIDIA GPU, driven through ILGPU: nothing but the driver is needed.</summary>
public sealed class CudaDevice : Device
{
    /// <summary>Threads of a group on a GPU.</summary>
    internal const int FullGroup = 256;

    // The emulator runs a group as operating system threads that meet at each barrier, whose cost grows faster than their number:
    // 16 groups that meet 20 times took 10 ms with 4 threads each, 27 ms with 8, 92 ms with 16 (two cores). Eight give a tree of sums
    // three levels; the tiles of products do with four.
    private const int EmulatedGroup = 8, EmulatedWarp = 4;

    private readonly Context _ilgpu;
    private readonly ConcurrentDictionary<Delegate, object> _launchers = new();

    private CudaDevice(Context ilgpu, Accelerator accelerator, bool emulated, int group)
    {
        _ilgpu = ilgpu;
        Accelerator = accelerator;
        IsEmulated = emulated;
        Group = group;
        // Enough groups to fill every multiprocessor eight times over (2048 resident threads); a loop in the kernel does the rest.
        MaxGrid = emulated ? 2 : Math.Max(1, accelerator.NumMultiprocessors) * 16;
    }

    /// <inheritdoc/>
    public override string Kind => "cuda";

    /// <inheritdoc/>
    public override string Name => IsEmulated ? "cuda kernels on ILGPU's emulator" : Accelerator.Name;

    /// <summary>Whether the kernels run on ILGPU's CPU emulator: for tests of tiny shapes, never for work.</summary>
    public bool IsEmulated { get; }

    internal Accelerator Accelerator { get; }

    /// <summary>Threads of a group: a power of two.</summary>
    internal int Group { get; }

    /// <summary>Groups of a grid-stride launch at most.</summary>
    internal int MaxGrid { get; }

    /// <summary>The kernels that were launched on this device so far.</summary>
    internal IEnumerable<MethodInfo> LaunchedKernels => _launchers.Keys.Select(k => k.Method);

    /// <summary>Opens GPU number <paramref name="index"/>, or says why it cannot.</summary>
    public static bool TryOpen(int index, out CudaDevice? device, out string reason)
    {
        device = null;
        // Asked before ILGPU is touched: a machine without a driver pays nothing for CUDA.
        if (!CudaDriver.IsPresent)
        {
            reason = "the NVIDIA driver library (libcuda.so.1, nvcuda.dll) was not found";
            return false;
        }

        Context? ilgpu = null;
        try
        {
            CudaDriver.UseForIlgpu();
            ilgpu = Context.Create(b => Configure(b).Cuda());
            var devices = ilgpu.GetCudaDevices();
            if (index < 0 || index >= devices.Count)
            {
                reason = devices.Count == 0 ? "the NVIDIA driver reports no GPU" : $"GPU {index} was asked for, the driver reports {devices.Count}";
                ilgpu.Dispose();
                return false;
            }

            device = new CudaDevice(ilgpu, devices[index].CreateCudaAccelerator(ilgpu), emulated: false, FullGroup);
            reason = "";
            return true;
        }
        catch (Exception e) when (e is CudaException or DllNotFoundException or EntryPointNotFoundException or NotSupportedException or AcceleratorException)
        {
            ilgpu?.Dispose();
            reason = $"the NVIDIA driver refused: {e.Message}";
            return false;
        }
    }

    /// <summary>The CUDA kernels on ILGPU's emulator, to debug and test them on tiny shapes.</summary>
    public static CudaDevice OpenEmulated() => OpenEmulated(EmulatedGroup);

    /// <summary>The emulator with groups of a given size; with <see cref="FullGroup"/> it launches exactly what a GPU would, very slowly.</summary>
    internal static CudaDevice OpenEmulated(int group)
    {
        var emulator = new CPUDevice(EmulatedWarp, group / EmulatedWarp, 1);
        var ilgpu = Context.Create(b => Configure(b).CPU(emulator));
        return new CudaDevice(ilgpu, emulator.CreateCPUAccelerator(ilgpu, CPUAcceleratorMode.Parallel), emulated: true, group);
    }

    /// <inheritdoc/>
    public override DeviceContext CreateContext(LaunchLedger launches, MemoryLedger memory, Phase? bookAs) =>
        new CudaContext(this, launches, memory, bookAs);

    /// <inheritdoc/>
    public override void Dispose()
    {
        _launchers.Clear();
        Accelerator.Dispose();
        _ilgpu.Dispose();
    }

    /// <summary>The settings every kernel is compiled with, here and in the offline checks.</summary>
    internal static Context.Builder Configure(Context.Builder builder) =>
        builder.Optimize(OptimizationLevel.O2).Math(MathMode.Default).EnableAlgorithms();

    internal Action<AcceleratorStream, KernelConfig, TArgs> Launcher<TArgs>(Action<TArgs> kernel)
        where TArgs : struct
        => (Action<AcceleratorStream, KernelConfig, TArgs>)_launchers.GetOrAdd(kernel, static (k, acc) => acc.LoadKernel((Action<TArgs>)k), Accelerator);
}

/// <summary>Finds the driver library.</summary>
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
        NativeLibrary.SetDllImportResolver(typeof(Context).Assembly, static (name, _, _) => name == "cuda" ? Library.Value : 0);
        return true;
    });

    public static bool IsPresent => Library.Value != 0;

    public static void UseForIlgpu() => _ = Resolver.Value;
}
