using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Reflection;
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
    private readonly ICudaStandIn? _standIn;
    private readonly ConcurrentDictionary<Delegate, object> _launchers = new();

    private CudaDevice(Context ilgpu, Accelerator accelerator, bool emulated, int group, ICudaStandIn? standIn = null)
    {
        _ilgpu = ilgpu;
        _standIn = standIn;
        Accelerator = accelerator;
        IsEmulated = emulated;
        Group = group;
        // Twice the 2048 threads that a multiprocessor keeps resident; a loop in the kernel does the rest.
        MaxGrid = emulated ? 2 : Math.Max(1, accelerator.NumMultiprocessors) * 16;
    }

    /// <inheritdoc/>
    public override string Kind => "cuda";

    /// <inheritdoc/>
    public override string Name => _standIn?.Name ?? (IsEmulated ? "cuda kernels on ILGPU's emulator" : Accelerator.Name);

    /// <inheritdoc/>
    public override bool RunsAhead => true;

    /// <inheritdoc/>
    public override bool AttentionGradientsTogether => false;

    /// <summary>Whether the kernels run on ILGPU's CPU emulator: for tests of tiny shapes, never for work.</summary>
    public bool IsEmulated { get; }

    internal Accelerator Accelerator { get; }

    /// <summary>What runs the kernels instead of ILGPU; null on a GPU and on the emulator.</summary>
    internal ICudaStandIn? StandIn => _standIn;

    /// <summary>Threads of a group: a power of two.</summary>
    internal int Group { get; }

    /// <summary>Groups of a grid-stride launch at most.</summary>
    internal int MaxGrid { get; }

    /// <summary>The kernels that were launched on this device so far.</summary>
    internal IEnumerable<MethodInfo> LaunchedKernels => _launchers.Keys.Select(k => k.Method);

    /// <summary>The GPUs of this machine; when there is none, the reason. Nothing is started on them.</summary>
    public static IReadOnlyList<DeviceInfo> List(out string reason)
    {
        if (!TryEnumerate(out var ilgpu, out reason))
        {
            return [];
        }

        using (ilgpu)
        {
            var list = new List<DeviceInfo>();
            foreach (var gpu in ilgpu.GetCudaDevices())
            {
                list.Add(new DeviceInfo(
                    string.Create(CultureInfo.InvariantCulture, $"cuda:{list.Count}"),
                    gpu.Name,
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{gpu.NumMultiprocessors} multiprocessors, {gpu.MemorySize / (double)(1L << 30):f1} GiB, {gpu.Architecture}, driver {gpu.DriverVersion}"),
                    ""));
            }

            return list;
        }
    }

    /// <summary>Opens GPU number <paramref name="index"/>, or says why it cannot.</summary>
    public static bool TryOpen(int index, out CudaDevice? device, out string reason)
    {
        device = null;
        if (!TryEnumerate(out var ilgpu, out reason))
        {
            return false;
        }

        try
        {
            var devices = ilgpu.GetCudaDevices();
            if (index >= 0 && index < devices.Count)
            {
                device = new CudaDevice(ilgpu, devices[index].CreateCudaAccelerator(ilgpu), emulated: false, FullGroup);
                return true;
            }

            reason = string.Create(CultureInfo.InvariantCulture, $"GPU {index} was asked for, the NVIDIA driver reports {devices.Count}, numbered from 0");
        }
        catch (Exception e) when (IsDriverFailure(e))
        {
            reason = $"the NVIDIA driver refused: {OneLine(e)}";
        }

        ilgpu.Dispose();
        return false;
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

    /// <summary>A device with groups of a given size whose memory is the emulator's and whose kernels another runs.</summary>
    internal static CudaDevice OpenStandIn(ICudaStandIn standIn, int group)
    {
        // The emulator only lends memory here, so its own groups may be as small as it lets them be.
        var memory = new CPUDevice(EmulatedWarp, 1, 1);
        var ilgpu = Context.Create(b => Configure(b).CPU(memory));
        return new CudaDevice(ilgpu, memory.CreateCPUAccelerator(ilgpu, CPUAcceleratorMode.Sequential), emulated: true, group, standIn);
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

    /// <summary>What launches a kernel, compiled at its first launch. Later calls allocate nothing.</summary>
    internal Action<AcceleratorStream, KernelConfig, TArgs> Launcher<TArgs>(Action<TArgs> kernel)
        where TArgs : struct
        => (Action<AcceleratorStream, KernelConfig, TArgs>)_launchers.GetOrAdd(kernel, static (k, device) => device.Load((Action<TArgs>)k), this);

    // Whatever goes wrong in finding a driver, an older or a broken one included, must leave the program with the processor.
    private static bool IsDriverFailure(Exception e) =>
        e is CudaException or AcceleratorException or NotSupportedException or DllNotFoundException or EntryPointNotFoundException
            or BadImageFormatException or TypeInitializationException;

    private static string OneLine(Exception e) => e.Message.ReplaceLineEndings(" ");

    private static bool TryEnumerate([NotNullWhen(true)] out Context? ilgpu, out string reason)
    {
        ilgpu = null;

        // Asked before ILGPU is touched: a machine without a driver pays nothing for CUDA.
        if (!CudaDriver.IsPresent)
        {
            reason = CudaDriver.NotFound;
            return false;
        }

        try
        {
            CudaDriver.UseForIlgpu();
            ilgpu = Context.Create(b => Configure(b).Cuda());
            if (ilgpu.GetCudaDevices().Count > 0)
            {
                reason = "";
                return true;
            }

            reason = "the NVIDIA driver reports no GPU";
        }
        catch (Exception e) when (IsDriverFailure(e))
        {
            reason = $"the NVIDIA driver refused: {OneLine(e)}";
        }

        ilgpu?.Dispose();
        ilgpu = null;
        return false;
    }

    // The group's size lets the assembler plan its registers. The emulator's groups are smaller than that.
    private Action<AcceleratorStream, KernelConfig, TArgs> Load<TArgs>(Action<TArgs> kernel)
        where TArgs : struct
    {
        if (_standIn is { } standIn)
        {
            return (_, config, args) => standIn.Launch(kernel.Method, config, args);
        }

        int? group = IsEmulated ? null : kernel.Method.GetCustomAttribute<CudaKernelAttribute>()?.MaxGroup;
        return Accelerator.LoadKernel(kernel, new KernelSpecialization(group, null));
    }
}
