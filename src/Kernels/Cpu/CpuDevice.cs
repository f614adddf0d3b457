using System.Runtime.InteropServices;

namespace SmartFrz.Kernels.Cpu;

/// <summary>The processor: worker threads and one instruction set.</summary>
public sealed class CpuDevice : Device
{
    /// <summary>Starts the worker threads.</summary>
    /// <param name="threads">Threads to compute with, the calling one included; 0 takes all processors.</param>
    /// <param name="isa">The instruction set; the best one when null. Results are the same bits for the same set and number of threads.</param>
    /// <exception cref="PlatformNotSupportedException">The processor does not run that instruction set.</exception>
    public CpuDevice(int threads = 0, CpuIsa? isa = null)
    {
        Isa = isa ?? CpuIsaExtensions.Best;
        if (!Isa.IsSupported())
        {
            throw new PlatformNotSupportedException($"the instruction set {Isa} was asked for, this processor's best is {CpuIsaExtensions.Best}");
        }

        Pool = new CpuPool(threads > 0 ? threads : Environment.ProcessorCount);
    }

    /// <summary>The instruction set that kernels use.</summary>
    public CpuIsa Isa { get; }

    /// <inheritdoc/>
    public override string Kind => "cpu";

    /// <inheritdoc/>
    public override string Name => $"{RuntimeInformation.ProcessArchitecture} {Isa}".ToLowerInvariant();

    /// <inheritdoc/>
    public override int Threads => Pool.Threads;

    internal CpuPool Pool { get; }

    /// <inheritdoc/>
    public override DeviceContext CreateContext(LaunchLedger launches, MemoryLedger memory, Phase? bookAs) =>
        new CpuContext(this, launches, memory, bookAs);

    /// <inheritdoc/>
    public override void Dispose() => Pool.Dispose();
}
