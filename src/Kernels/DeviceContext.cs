using System.Diagnostics;
using System.Runtime.InteropServices;

namespace SmartFrz.Kernels;

/// <summary>
/// What one user of a device owns: its arena, its ledgers and its stream of launches. Belongs to one thread at a time.
/// </summary>
public abstract class DeviceContext : IDisposable
{
    private readonly Arena _arena;
    private readonly Phase? _bookAs;

    private protected DeviceContext(LaunchLedger launches, MemoryLedger memory, Phase? bookAs)
    {
        Launches = launches;
        Memory = memory;
        _bookAs = bookAs;
        _arena = new Arena(AllocateChunk, memory);
    }

    /// <summary>The device behind it.</summary>
    public abstract Device Device { get; }

    /// <summary>Where launches are booked.</summary>
    public LaunchLedger Launches { get; }

    /// <summary>Where memory is booked.</summary>
    public MemoryLedger Memory { get; }

    /// <summary>The phase that launches are booked in from now on.</summary>
    public Phase Phase { get; set; }

    /// <summary>The layer that launches and buffers are booked on from now on.</summary>
    public LayerId Layer { get; set; }

    /// <summary>
    /// Launches that the dispatcher has really run, counted apart from the ledger: a test holds the two against each other.
    /// </summary>
    public long Dispatched { get; private set; }

    /// <summary>When set, memory is filled with NaN as it is given back, so that a late reader shows itself.</summary>
    public bool PoisonReleasedMemory
    {
        get => _arena.OnReturn is not null;
        set => _arena.OnReturn = value ? Poison : null;
    }

    /// <summary>
    /// A second context that books in the same ledgers, all of it as one phase. Its launches keep their order among those of this one,
    /// so that it may read what this one writes.
    /// </summary>
    public abstract DeviceContext CreateSibling(Phase bookAs);

    /// <summary>Lends memory; its content is undefined.</summary>
    public DeviceBuffer Rent(long bytes, BufferKind kind) => _arena.Rent(bytes, kind, Layer);

    /// <summary>Gives memory back.</summary>
    public void Return(DeviceBuffer buffer) => _arena.Return(buffer);

    /// <summary>Books memory under another kind and layer (an activation that the tape saves, for the layer that needs it).</summary>
    public void Reclassify(DeviceBuffer buffer, BufferKind kind, LayerId layer) => _arena.Reclassify(buffer, kind, layer);

    /// <summary>Runs a kernel and books it. The only way to run one.</summary>
    public void Launch<TKernel>(in TKernel kernel)
        where TKernel : struct, IKernel
    {
        var phase = _bookAs ?? Phase;
        double seconds = 0;
        Dispatched++;
        if (Launches.Timing)
        {
            long start = Stopwatch.GetTimestamp();
            Execute(in kernel);
            Synchronize();
            seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        }
        else
        {
            Execute(in kernel);
        }

        Launches.Add(TKernel.Name, Layer, phase, kernel.Cost, seconds);
    }

    /// <summary>Copies host data into a buffer, from element <paramref name="offset"/> of it on.</summary>
    public void Upload<T>(ReadOnlySpan<T> source, DeviceBuffer target, long offset = 0)
        where T : unmanaged
    {
        CheckRange<T>(source.Length, target, offset);
        UploadBytes(MemoryMarshal.AsBytes(source), target.Block, offset * Marshal.SizeOf<T>());
    }

    /// <summary>Copies a buffer to the host, from element <paramref name="offset"/> of it on. Waits for the launches before it.</summary>
    public void Download<T>(DeviceBuffer source, Span<T> target, long offset = 0)
        where T : unmanaged
    {
        CheckRange<T>(target.Length, source, offset);
        DownloadBytes(source.Block, offset * Marshal.SizeOf<T>(), MemoryMarshal.AsBytes(target));
    }

    /// <summary>Waits until everything launched has run.</summary>
    public abstract void Synchronize();

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Gives everything back to the device.</summary>
    protected virtual void Dispose(bool disposing)
    {
        if (disposing)
        {
            _arena.Dispose();
        }
    }

    private protected abstract void Execute<TKernel>(in TKernel kernel)
        where TKernel : struct, IKernel;

    private protected abstract MemoryChunk AllocateChunk(long bytes);

    private protected abstract void UploadBytes(ReadOnlySpan<byte> source, Block target, long offset);

    private protected abstract void DownloadBytes(Block source, long offset, Span<byte> target);

    /// <summary>Fills memory that is given back with NaN.</summary>
    private protected virtual void Poison(DeviceBuffer buffer)
    {
        var nan = new float[(buffer.Bytes + 3) / 4];
        Array.Fill(nan, float.NaN);
        UploadBytes(MemoryMarshal.AsBytes(nan.AsSpan())[..(int)buffer.Bytes], buffer.Block, 0);
    }

    private static void CheckRange<T>(int length, DeviceBuffer buffer, long offset)
        where T : unmanaged
    {
        long end = (offset + length) * Marshal.SizeOf<T>();
        if (offset < 0 || end > buffer.Bytes)
        {
            throw new ArgumentException($"{length} elements of {typeof(T).Name} from element {offset} on end at byte {end}, the buffer has {buffer.Bytes} bytes");
        }
    }
}
