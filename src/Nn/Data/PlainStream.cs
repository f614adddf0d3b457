using System.IO.Compression;

namespace SmartFrz.Nn.Data;

/// <summary>A stream that is read forwards, unpacked when it is gzip: known by its first two bytes, not by a file's name.</summary>
/// <remarks>Throws: <see cref="DataFormatException"/> with the name where the packed data are damaged.</remarks>
internal sealed class PlainStream : ForwardStream
{
    // One byte of deflate makes at most four matches of 258 bytes.
    private const long LargestDeflateRatio = 1032;

    private readonly string _name;
    private readonly Stream _inner;
    private readonly byte[] _start = new byte[2];
    private readonly int _startLength;
    private readonly GZipStream? _gzip;
    private readonly long? _length;
    private int _startRead;

    /// <summary>Over a stream, which stays open.</summary>
    public PlainStream(Stream inner, string name)
    {
        (_inner, _name) = (inner, name);
        _length = inner.CanSeek ? inner.Length - inner.Position : null;
        _startLength = inner.ReadAtLeast(_start, 2, throwOnEndOfStream: false);
        if (_startLength == 2 && _start[0] == 0x1F && _start[1] == 0x8B)
        {
            _gzip = new GZipStream(new Replay(this), CompressionMode.Decompress);
        }
    }

    /// <summary>Whether it is unpacked.</summary>
    public bool IsPacked => _gzip is not null;

    /// <summary>The most bytes that can be read from here on, where the stream tells: its length, or what deflate can make of it.</summary>
    public long? LargestLength => _gzip is null ? _length : _length * LargestDeflateRatio;

    public override int Read(Span<byte> buffer)
    {
        try
        {
            return _gzip is null ? ReadPacked(buffer) : _gzip.Read(buffer);
        }
        catch (InvalidDataException e)
        {
            throw new DataFormatException($"{_name}: the gzip data are damaged", e);
        }
    }

    /// <summary>
    /// Reads exactly that many bytes, allocating piece by piece: a header that lies costs at most twice the bytes that are there, and a megabyte.
    /// </summary>
    /// <exception cref="DataFormatException">There are fewer.</exception>
    public byte[] ReadAll(long bytes)
    {
        const int piece = 1 << 20;
        var result = new byte[Math.Min(bytes, piece)];
        int filled = 0;
        while (filled < bytes)
        {
            if (filled == result.Length)
            {
                Array.Resize(ref result, (int)Math.Min(bytes, 2L * result.Length));
            }

            int read = Read(result.AsSpan(filled));
            if (read == 0)
            {
                throw new DataFormatException($"{_name}: truncated, {filled} of {bytes} bytes are there");
            }

            filled += read;
        }

        return result;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _gzip?.Dispose();
        }

        base.Dispose(disposing);
    }

    private int ReadPacked(Span<byte> buffer)
    {
        if (_startRead == _startLength)
        {
            return _inner.Read(buffer);
        }

        int count = Math.Min(buffer.Length, _startLength - _startRead);
        _start.AsSpan(_startRead, count).CopyTo(buffer);
        _startRead += count;
        return count;
    }

    // The packed bytes from the first one on, for the unpacker.
    private sealed class Replay(PlainStream owner) : ForwardStream
    {
        public override int Read(Span<byte> buffer) => owner.ReadPacked(buffer);
    }
}
