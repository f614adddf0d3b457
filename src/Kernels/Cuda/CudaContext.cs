using ILGPU;
using ILGPU.Runtime;

namespace SmartFrz.Kernels.Cuda;

/// <summary>A context on a GPU: one stream, launches run in order behind the caller's back.</summary>
public sealed class CudaContext : DeviceContext
{
    // CUDA's limit on the second and third extent of a grid; the first goes up to 2^31 - 1.
    internal const int MaxGridYZ = 65535;

    private readonly CudaDevice _device;
    private readonly AcceleratorStream _stream;
    private readonly bool _ownsStream;

    internal CudaContext(CudaDevice device, LaunchLedger launches, MemoryLedger memory, Phase? bookAs)
        : this(device, launches, memory, bookAs, device.Accelerator.CreateStream(), ownsStream: true)
    {
    }

    private CudaContext(CudaDevice device, LaunchLedger launches, MemoryLedger memory, Phase? bookAs, AcceleratorStream stream, bool ownsStream)
        : base(launches, memory, bookAs)
    {
        _device = device;
        _stream = stream;
        _ownsStream = ownsStream;
    }

    /// <inheritdoc/>
    public override Device Device => _device;

    /// <summary>Threads of a group: a power of two, small on the emulator.</summary>
    internal int Group => _device.Group;

    /// <summary>Whether groups are smaller than a GPU's, so that small tiles must do.</summary>
    internal bool UsesSmallTiles => _device.Group < CudaDevice.FullGroup;

    /// <inheritdoc/>
    public override DeviceContext CreateSibling(Phase bookAs) => new CudaContext(_device, Launches, Memory, bookAs, _stream, ownsStream: false);

    /// <inheritdoc/>
    public override void Synchronize() => _stream.Synchronize();

    /// <summary>The floats of a buffer; an empty view for an absent one.</summary>
    internal static ArrayView<float> Floats(DeviceBuffer buffer) => View<float>(buffer);

    /// <summary>The elements of a buffer; an empty view for an absent one.</summary>
    internal static ArrayView<T> View<T>(DeviceBuffer buffer)
        where T : unmanaged
    {
        if (buffer.IsNull)
        {
            return default;
        }

        var block = buffer.Block;
        return ((CudaChunk)block.Chunk).Bytes(block.Offset, Math.Max(block.RequestedBytes, Interop.SizeOf<T>())).Cast<T>();
    }

    /// <summary>Launches a kernel over a grid of groups.</summary>
    internal void Launch<TArgs>(Action<TArgs> kernel, Index3D grid, Index3D group, in TArgs args)
        where TArgs : struct
        => _device.Launcher(kernel)(_stream, new KernelConfig(grid, group), args);

    /// <summary>Launches a kernel that walks over <paramref name="n"/> elements in strides of the whole grid.</summary>
    internal void LaunchElements<TArgs>(Action<TArgs> kernel, long n, in TArgs args)
        where TArgs : struct
    {
        int groups = (int)Math.Clamp((n + Group - 1) / Group, 1, _device.MaxGrid);
        Launch(kernel, new Index3D(groups, 1, 1), new Index3D(Group, 1, 1), args);
    }

    /// <summary>Launches a kernel with one group for each of <paramref name="rows"/> rows.</summary>
    internal void LaunchRows<TArgs>(Action<TArgs> kernel, int rows, in TArgs args)
        where TArgs : struct
        => Launch(kernel, new Index3D(Math.Max(1, rows), 1, 1), new Index3D(Group, 1, 1), args);

    /// <summary>
    /// Launches a kernel with one group for each tile of a rows x columns product, times <paramref name="parts"/> pieces of the
    /// summed axis (grid Y), times a batch (grid Z; the kernel strides over it).
    /// </summary>
    internal void LaunchTiles<TArgs>(Action<TArgs> large, Action<TArgs> small, int rows, int columns, int parts, int batch, in TArgs args)
        where TArgs : struct
    {
        int side = UsesSmallTiles ? EmulatorTile.Side : GpuTile.Side;
        int extent = side * TiledProduct.Micro;
        int tiles = checked((int)(((rows + (long)extent - 1) / extent) * ((columns + (long)extent - 1) / extent)));
        if (tiles > 0 && batch > 0)
        {
            Launch(UsesSmallTiles ? small : large, new Index3D(tiles, parts, Math.Min(batch, MaxGridYZ)), new Index3D(side * side, 1, 1), args);
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        // A device that went first has taken its streams and buffers with it.
        bool alive = disposing && !_device.Accelerator.IsDisposed;
        if (alive)
        {
            _stream.Synchronize();
        }

        base.Dispose(disposing);
        if (alive && _ownsStream)
        {
            _stream.Dispose();
        }
    }

    private protected override void Execute<TKernel>(in TKernel kernel) => kernel.Run(this);

    private protected override MemoryChunk AllocateChunk(long bytes) => new CudaChunk(_device, bytes);

    private protected override void UploadBytes(ReadOnlySpan<byte> source, Block target, long offset)
    {
        if (source.Length > 0)
        {
            var chunk = (CudaChunk)target.Chunk;
            chunk.Bytes(target.Offset + offset, source.Length).CopyFromCPU(_stream, source);
            _stream.Synchronize();
            _device.StandIn?.Written(chunk.Address + (nint)(target.Offset + offset), source.Length);
        }
    }

    private protected override void Poison(DeviceBuffer buffer)
    {
        base.Poison(buffer);
        _device.StandIn?.Released(((CudaChunk)buffer.Block.Chunk).Address + (nint)buffer.Block.Offset, buffer.Bytes);
    }

    private protected override void DownloadBytes(Block source, long offset, Span<byte> target)
    {
        if (target.Length > 0)
        {
            ((CudaChunk)source.Chunk).Bytes(source.Offset + offset, target.Length).CopyToCPU(_stream, target);
            _stream.Synchronize();
        }
    }

    private sealed class CudaChunk : MemoryChunk
    {
        private readonly MemoryBuffer1D<byte, Stride1D.Dense> _memory;
        private readonly ICudaStandIn? _standIn;

        public CudaChunk(CudaDevice device, long bytes)
            : base(bytes)
        {
            _memory = device.Accelerator.Allocate1D<byte>(bytes);
            _standIn = device.StandIn;
            _standIn?.Allocated(Address, bytes);
        }

        public nint Address => _memory.NativePtr;

        public new ArrayView<byte> Bytes(long offset, long length) => _memory.View.BaseView.SubView(offset, length);

        public override void Dispose()
        {
            _standIn?.Freed(Address);
            _memory.Dispose();
        }
    }
}
