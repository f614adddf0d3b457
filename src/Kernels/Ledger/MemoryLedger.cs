using System.Runtime.InteropServices;

namespace SmartFrz.Kernels;

/// <summary>
/// Live and peak device bytes by kind and layer, as requested by their owners (without the arena's rounding and spare room).
/// Not thread-safe: it belongs to the thread that drives its contexts.
/// </summary>
public sealed class MemoryLedger
{
    private readonly long[] _live = new long[Enum.GetValues<BufferKind>().Length];
    private readonly long[] _peak = new long[Enum.GetValues<BufferKind>().Length];
    private readonly long[] _windowPeak = new long[Enum.GetValues<BufferKind>().Length];
    private readonly Dictionary<(BufferKind Kind, LayerId Layer), long> _byLayer = [];

    /// <summary>Bytes alive now, all kinds.</summary>
    public long Live { get; private set; }

    /// <summary>The largest value of <see cref="Live"/> since the start or the last <see cref="ResetPeak"/>.</summary>
    public long Peak { get; private set; }

    /// <summary>Bytes the arenas have taken from the device.</summary>
    public long Reserved { get; internal set; }

    /// <summary>Bytes of one kind alive now.</summary>
    public long LiveOf(BufferKind kind) => _live[(int)kind];

    /// <summary>Bytes of one kind and layer alive now.</summary>
    public long LiveOf(BufferKind kind, LayerId layer) => _byLayer.GetValueOrDefault((kind, layer));

    /// <summary>The largest value of <see cref="LiveOf(BufferKind)"/> since the start or the last <see cref="ResetPeak"/>.</summary>
    public long PeakOf(BufferKind kind) => _peak[(int)kind];

    /// <summary>The largest value of <see cref="LiveOf(BufferKind)"/> since the last <see cref="StartWindow"/>: of one step, say.</summary>
    public long WindowPeakOf(BufferKind kind) => _windowPeak[(int)kind];

    /// <summary>Starts <see cref="WindowPeakOf"/> anew from what is alive now; the other peaks go on.</summary>
    public void StartWindow() => _live.CopyTo(_windowPeak, 0);

    /// <summary>Starts the peaks anew from what is alive now.</summary>
    public void ResetPeak()
    {
        Peak = Live;
        _live.CopyTo(_peak, 0);
    }

    internal void Add(BufferKind kind, LayerId layer, long bytes)
    {
        Live += bytes;
        Peak = Math.Max(Peak, Live);
        long ofKind = _live[(int)kind] += bytes;
        _peak[(int)kind] = Math.Max(_peak[(int)kind], ofKind);
        _windowPeak[(int)kind] = Math.Max(_windowPeak[(int)kind], ofKind);
        CollectionsMarshal.GetValueRefOrAddDefault(_byLayer, (kind, layer), out _) += bytes;
    }
}
