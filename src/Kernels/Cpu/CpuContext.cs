using System.Runtime.InteropServices;

namespace SmartFrz.Kernels.Cpu;

/// <summary>A context on the processor: launches run at once, on the caller and the device's workers.</summary>
public sealed unsafe class CpuContext : DeviceContext
{
    private readonly CpuDevice _device;

    internal CpuContext(CpuDevice device, LaunchLedger launches, MemoryLedger memory, Phase? bookAs)
        : base(launches, memory, bookAs)
    {
        _device = device;
    }

    /// <inheritdoc/>
    public override Device Device => _device;

    internal CpuPool Pool => _device.Pool;

    internal CpuIsa Isa => _device.Isa;

    /// <inheritdoc/>
    public override DeviceContext CreateSibling(Phase bookAs) => new CpuContext(_device, Launches, Memory, bookAs);

    /// <inheritdoc/>
    public override void Synchronize()
    {
    }

    /// <summary>The address of a buffer; null for an absent one.</summary>
    internal static float* Floats(DeviceBuffer buffer) => buffer.IsNull ? null : (float*)Address(buffer.Block);

    /// <summary>The address of a buffer of any element type; null for an absent one.</summary>
    internal static T* Pointer<T>(DeviceBuffer buffer)
        where T : unmanaged
        => buffer.IsNull ? null : (T*)Address(buffer.Block);

    private protected override void Execute<TKernel>(in TKernel kernel) => kernel.Run(this);

    private protected override MemoryChunk AllocateChunk(long bytes) => new NativeChunk(bytes);

    private protected override void UploadBytes(ReadOnlySpan<byte> source, Block target, long offset) =>
        source.CopyTo(new Span<byte>(Address(target) + offset, source.Length));

    private protected override void DownloadBytes(Block source, long offset, Span<byte> target) =>
        new ReadOnlySpan<byte>(Address(source) + offset, target.Length).CopyTo(target);

    private static byte* Address(Block block) => ((NativeChunk)block.Chunk).Base + block.Offset;

    private sealed class NativeChunk(long bytes) : MemoryChunk(bytes)
    {
        // A page: the arena's own alignment follows from it.
        public byte* Base { get; private set; } = (byte*)NativeMemory.AlignedAlloc((nuint)bytes, 4096);

        public override void Dispose()
        {
            NativeMemory.AlignedFree(Base);
            Base = null;
        }
    }
}
