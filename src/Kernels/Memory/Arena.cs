namespace SmartFrz.Kernels;

/// <summary>
/// Lends device memory out of a few large chunks: best fit, neighbours merge when given back. The addresses are a function of
/// the sequence of calls, so a step that repeats gets the same addresses again, and after the first steps it takes nothing more
/// from the device.
/// </summary>
internal sealed class Arena(Func<long, MemoryChunk> allocate, MemoryLedger ledger) : IDisposable
{
    // The widest vector load (64 bytes on the CPU) and CUDA's own allocation granularity (256 bytes).
    private const long Alignment = 256;

    // A first chunk for small models; later ones double, so that their number stays small.
    private const long FirstChunkBytes = 8L << 20, LargestStepBytes = 256L << 20;

    private readonly List<MemoryChunk> _chunks = [];
    private readonly List<Block> _free = [];
    private readonly Stack<Block> _spare = [];
    private long _nextChunkBytes = FirstChunkBytes;

    /// <summary>Filled into memory as it is given back, when set: tests use it to show that nothing reads released memory.</summary>
    public Action<DeviceBuffer>? OnReturn { get; set; }

    public DeviceBuffer Rent(long bytes, BufferKind kind, LayerId layer)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        long size = Math.Max(Alignment, (bytes + Alignment - 1) / Alignment * Alignment);
        var block = BestFit(size) ?? Grow(size);
        _free.Remove(block);
        if (block.Bytes > size)
        {
            var rest = Spare(block.Chunk);
            rest.Offset = block.Offset + size;
            rest.Bytes = block.Bytes - size;
            rest.IsFree = true;
            rest.Previous = block;
            rest.Next = block.Next;
            if (block.Next is { } next)
            {
                next.Previous = rest;
            }

            block.Next = rest;
            block.Bytes = size;
            _free.Add(rest);
        }

        block.IsFree = false;
        block.RequestedBytes = bytes;
        block.Kind = kind;
        block.Layer = layer;
        ledger.Add(kind, layer, bytes);
        return new DeviceBuffer(block);
    }

    public void Return(DeviceBuffer buffer)
    {
        var block = buffer.Block;
        OnReturn?.Invoke(buffer);
        ledger.Add(block.Kind, block.Layer, -block.RequestedBytes);
        block.Generation++;
        block.IsFree = true;
        if (block.Next is { IsFree: true } next)
        {
            Absorb(block, next);
        }

        if (block.Previous is { IsFree: true } previous)
        {
            Absorb(previous, block);
        }
        else
        {
            _free.Add(block);
        }
    }

    public void Reclassify(DeviceBuffer buffer, BufferKind kind, LayerId layer)
    {
        var block = buffer.Block;
        if (block.Kind != kind || block.Layer != layer)
        {
            // Out and in again: the total does not move, so no false peak is booked.
            ledger.Add(block.Kind, block.Layer, -block.RequestedBytes);
            block.Kind = kind;
            block.Layer = layer;
            ledger.Add(kind, block.Layer, block.RequestedBytes);
        }
    }

    public void Dispose()
    {
        foreach (var chunk in _chunks)
        {
            ledger.Reserved -= chunk.Bytes;
            chunk.Dispose();
        }

        _chunks.Clear();
        _free.Clear();
    }

    private Block? BestFit(long size)
    {
        Block? best = null;
        foreach (var block in _free)
        {
            if (block.Bytes >= size &&
                (best is null || block.Bytes < best.Bytes || (block.Bytes == best.Bytes && IsBefore(block, best))))
            {
                best = block;
            }
        }

        return best;
    }

    // Ties go to the lowest address: the answer must not depend on the order of the free list.
    private bool IsBefore(Block a, Block b) =>
        ReferenceEquals(a.Chunk, b.Chunk) ? a.Offset < b.Offset : _chunks.IndexOf(a.Chunk) < _chunks.IndexOf(b.Chunk);

    private Block Grow(long size)
    {
        long bytes = Math.Max(size, _nextChunkBytes);
        _nextChunkBytes = Math.Min(_nextChunkBytes * 2, LargestStepBytes);
        var chunk = allocate(bytes);
        _chunks.Add(chunk);
        ledger.Reserved += bytes;
        var block = Spare(chunk);
        block.Offset = 0;
        block.Bytes = bytes;
        block.IsFree = true;
        block.Previous = block.Next = null;
        _free.Add(block);
        return block;
    }

    // The second one disappears into the first.
    private void Absorb(Block first, Block second)
    {
        first.Bytes += second.Bytes;
        first.Next = second.Next;
        if (second.Next is { } next)
        {
            next.Previous = first;
        }

        _free.Remove(second);
        _spare.Push(second);
    }

    private Block Spare(MemoryChunk chunk)
    {
        if (_spare.TryPop(out var block))
        {
            block.Chunk = chunk;
            return block;
        }

        return new Block { Chunk = chunk };
    }
}
