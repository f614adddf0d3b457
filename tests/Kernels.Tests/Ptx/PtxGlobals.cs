namespace SmartFrz.Kernels.Tests;

/// <summary>
/// The global memory of one launch. Each operand gets an address range of its own, far from the others, so that an index that runs out of its
/// buffer hits nothing, whatever lies beside it in the arena.
/// </summary>
internal sealed unsafe class PtxGlobals
{
    private const int Spread = 40;

    // The arena's own alignment: what a pointer's low bits are on a GPU.
    private const long Alignment = 256;

    private readonly List<Segment> _segments = [];

    /// <summary>Adds an operand and gives the address a kernel sees.</summary>
    public ulong Add(PtxAllocation memory, nint host, long bytes)
    {
        if (!_segments.Exists(s => ReferenceEquals(s.Memory, memory)))
        {
            memory.BeginLaunch();
        }

        ulong at = ((ulong)(_segments.Count + 1) << Spread) + (ulong)((host - memory.Address) % Alignment) + Alignment;
        _segments.Add(new Segment(at, (byte*)host, bytes, memory, host - memory.Address));
        return at;
    }

    /// <summary>Whether an address looks like one of these.</summary>
    public static bool Has(ulong address) => address >> Spread != 0;

    /// <summary>Checks an access and gives the memory behind it.</summary>
    public Span<byte> Access(ulong address, int bytes, bool write, bool atomic, PtxMoment now)
    {
        long number = (long)(address >> Spread) - 1;
        if (number < 0 || number >= _segments.Count)
        {
            throw new PtxFaultException(PtxFault.OutOfBounds, $"address {address:x} belongs to no operand");
        }

        var segment = _segments[(int)number];
        long offset = (long)(address - segment.Base);
        if (offset < 0 || offset + bytes > segment.Bytes)
        {
            throw new PtxFaultException(PtxFault.OutOfBounds, $"{bytes} bytes at byte {offset} of view {number}, which has {segment.Bytes}");
        }

        var defined = segment.Memory.Defined.AsSpan((int)(segment.Start + offset), bytes);
        if (write)
        {
            defined.Fill(1);
        }
        else if (defined.Contains((byte)0))
        {
            throw new PtxFaultException(PtxFault.Uninitialised, $"byte {offset} of view {number} ({segment.Bytes} bytes) was never written");
        }

        // Views of one launch may overlap: what races is kept by the memory behind them.
        var races = segment.Memory.Races;
        if (!atomic && !(write ? races.Write(segment.Start + offset, bytes, now) : races.Read(segment.Start + offset, bytes, now)))
        {
            throw new PtxFaultException(PtxFault.Race, $"byte {offset} of view {number} ({segment.Bytes} bytes) is touched by another thread too");
        }

        return new Span<byte>(segment.Host + offset, bytes);
    }

    private sealed record Segment(ulong Base, nint HostAddress, long Bytes, PtxAllocation Memory, long Start)
    {
        public Segment(ulong at, byte* host, long bytes, PtxAllocation memory, long start)
            : this(at, (nint)host, bytes, memory, start)
        {
        }

        public byte* Host => (byte*)HostAddress;
    }
}

/// <summary>A piece of device memory: which of its bytes hold something, and who touched them in this launch.</summary>
internal sealed class PtxAllocation(nint address, long bytes)
{
    public nint Address { get; } = address;

    public long Bytes { get; } = bytes;

    /// <summary>1 for each byte that was written.</summary>
    public byte[] Defined { get; } = new byte[bytes];

    /// <summary>Of the present launch.</summary>
    public PtxRaceMap Races { get; private set; } = new(bytes);

    /// <summary>A launch begins: everything before it is in order.</summary>
    public void BeginLaunch() => Races = new PtxRaceMap(Bytes);
}
