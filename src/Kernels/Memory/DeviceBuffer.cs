namespace SmartFrz.Kernels;

/// <summary>
/// A handle on a piece of device memory. It knows when the memory has been given back: using a handle after that throws, so a
/// tensor that outlives its step cannot read another one's data.
/// </summary>
public readonly struct DeviceBuffer : IEquatable<DeviceBuffer>
{
    private readonly Block? _block;
    private readonly int _generation;

    internal DeviceBuffer(Block block)
    {
        _block = block;
        _generation = block.Generation;
    }

    /// <summary>No memory: an optional operand that is absent.</summary>
    public bool IsNull => _block is null;

    /// <summary>Whether the memory still belongs to this handle.</summary>
    public bool IsLive => _block is { } block && block.Generation == _generation;

    /// <summary>The size asked for.</summary>
    public long Bytes => Block.RequestedBytes;

    /// <summary>What it holds.</summary>
    public BufferKind Kind => Block.Kind;

    /// <summary>The layer it was allocated for.</summary>
    public LayerId Layer => Block.Layer;

    internal Block Block => IsLive
        ? _block!
        : throw new ObjectDisposedException(
            nameof(DeviceBuffer),
            _block is null ? "no buffer was given where one is needed" : "this device memory has been given back: the tensor outlived its scope or step");

    /// <summary>Whether both are the same memory of the same owner.</summary>
    public static bool operator ==(DeviceBuffer a, DeviceBuffer b) => a.Equals(b);

    /// <summary>Whether they differ.</summary>
    public static bool operator !=(DeviceBuffer a, DeviceBuffer b) => !a.Equals(b);

    /// <inheritdoc/>
    public bool Equals(DeviceBuffer other) => ReferenceEquals(_block, other._block) && _generation == other._generation;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is DeviceBuffer other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(_block, _generation);
}

/// <summary>One stretch of a chunk: lent out or free. Neighbours are linked by address, so that free ones can merge.</summary>
internal sealed class Block
{
    public required MemoryChunk Chunk;
    public long Offset;
    public long Bytes;
    public long RequestedBytes;
    public bool IsFree;
    public int Generation;
    public BufferKind Kind;
    public LayerId Layer;
    public Block? Previous, Next;
}

/// <summary>A large piece of device memory, from which the arena lends blocks.</summary>
internal abstract class MemoryChunk(long bytes) : IDisposable
{
    public long Bytes { get; } = bytes;

    public abstract void Dispose();
}
