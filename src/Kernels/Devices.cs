using System.Globalization;
using SmartFrz.Kernels.Cpu;
using SmartFrz.Kernels.Cuda;

namespace SmartFrz.Kernels;

/// <summary>A device as a listing shows it.</summary>
/// <param name="Id">What <see cref="Devices.Open"/> takes: <c>cpu</c>, <c>cuda:0</c>; <c>cuda</c> where there is no GPU.</param>
/// <param name="Name">The hardware's own name; empty when there is none.</param>
/// <param name="Details">Threads and instruction sets, or multiprocessors and memory; empty when it cannot be used.</param>
/// <param name="Reason">Why it cannot be used; empty when it can.</param>
public readonly record struct DeviceInfo(string Id, string Name, string Details, string Reason)
{
    /// <summary>Whether it can be used.</summary>
    public bool IsUsable => Reason.Length == 0;
}

/// <summary>Finds devices by name.</summary>
public static class Devices
{
    /// <summary>Opens a device.</summary>
    /// <param name="name"><c>auto</c> (the first GPU, or the processor where there is none), <c>cpu</c>, <c>cuda</c> (the first GPU) or <c>cuda:I</c>.</param>
    /// <param name="threads">CPU threads; 0 takes all processors.</param>
    /// <param name="isa">CPU instruction set: <c>auto</c> (the best there is), <c>avx512</c>, <c>avx2</c> or <c>vector128</c>.</param>
    /// <exception cref="DeviceException">It is not known or cannot be had, in one line.</exception>
    public static Device Open(string name = "auto", int threads = 0, string isa = "auto")
    {
        if (threads < 0)
        {
            throw new DeviceException($"{threads} threads were asked for, 1 or more are expected, or 0 for all {Environment.ProcessorCount} processors");
        }

        var set = ParseIsa(isa);
        switch (name)
        {
            case "auto":
                return CudaDevice.TryOpen(0, out var gpu, out _) ? gpu! : new CpuDevice(threads, set);
            case "cpu":
                return new CpuDevice(threads, set);
            default:
                int index = ParseCuda(name);
                return CudaDevice.TryOpen(index, out var cuda, out string reason)
                    ? cuda!
                    : throw new DeviceException($"device {name} cannot be used: {reason}");
        }
    }

    /// <summary>What can run here; where there is no GPU, one row says why not.</summary>
    public static IReadOnlyList<DeviceInfo> List()
    {
        var sets = Enum.GetValues<CpuIsa>().Where(s => s.IsSupported()).Reverse().Select(NameOf);
        string details = string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessorCount} processors; {string.Join(", ", sets)}");
        var cpu = new DeviceInfo("cpu", CpuName.OfThisMachine(), details, "");
        var gpus = CudaDevice.List(out string reason);
        return gpus.Count > 0 ? [cpu, .. gpus] : [cpu, new DeviceInfo("cuda", "", "", reason)];
    }

    private static CpuIsa? ParseIsa(string isa)
    {
        if (isa == "auto")
        {
            return null;
        }

        foreach (var set in Enum.GetValues<CpuIsa>())
        {
            if (NameOf(set) == isa)
            {
                return set.IsSupported()
                    ? set
                    : throw new DeviceException($"the instruction set {isa} was asked for, this processor's best is {NameOf(CpuIsaExtensions.Best)}");
            }
        }

        throw new DeviceException($"the instruction set '{isa}' is not known: auto, avx512, avx2 or vector128 is expected");
    }

    private static string NameOf(CpuIsa set) => set.ToString().ToLowerInvariant();

    private static int ParseCuda(string name)
    {
        if (name == "cuda")
        {
            return 0;
        }

        return name.StartsWith("cuda:", StringComparison.Ordinal)
            && int.TryParse(name.AsSpan("cuda:".Length), NumberStyles.None, CultureInfo.InvariantCulture, out int index)
            ? index
            : throw new DeviceException($"the device '{name}' is not known: auto, cpu, cuda or cuda:I with I = 0, 1, ... is expected");
    }
}
