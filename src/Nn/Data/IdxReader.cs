using System.Buffers.Binary;
using System.IO.Compression;

namespace SmartFrz.Nn.Data;

/// <summary>Reads the IDX files of the MNIST family, plain or gzip.</summary>
/// <remarks>
/// Format: a big-endian magic number (0x801 labels, 0x803 images), one big-endian count for each axis, then unsigned bytes.
/// Memory:  at most the size the header announces, and never more than one megabyte beyond what the stream really holds.
/// </remarks>
public static class IdxReader
{
    private const int LabelMagic = 0x801, ImageMagic = 0x803;

    // The largest announced size that is believed before the bytes are seen: well above every data set of this family.
    private const long LargestBytes = 1L << 31;
    private const int PieceBytes = 1 << 20;

    /// <summary>Reads an image file: count, rows, columns and the pixels.</summary>
    /// <exception cref="DataFormatException">It is not an IDX image file, or is truncated, or has trailing bytes.</exception>
    public static (int Count, int Rows, int Columns, byte[] Pixels) ReadImages(Stream stream, string name)
    {
        using var plain = Plain(stream, name);
        int[] sizes = ReadHeader(plain, ImageMagic, 3, "images", name);
        return (sizes[0], sizes[1], sizes[2], ReadBody(plain, (long)sizes[0] * sizes[1] * sizes[2], name));
    }

    /// <summary>Reads a label file.</summary>
    /// <exception cref="DataFormatException">It is not an IDX label file, or is truncated, or has trailing bytes.</exception>
    public static byte[] ReadLabels(Stream stream, string name)
    {
        using var plain = Plain(stream, name);
        return ReadBody(plain, ReadHeader(plain, LabelMagic, 1, "labels", name)[0], name);
    }

    // Gzip is known by its first two bytes, not by the file's name.
    private static Stream Plain(Stream stream, string name)
    {
        var start = new byte[2];
        int read = stream.ReadAtLeast(start, 2, throwOnEndOfStream: false);
        var whole = new PrefixedStream(start.AsMemory(0, read), stream);
        return read == 2 && start[0] == 0x1F && start[1] == 0x8B ? new GuardedGzip(whole, name) : whole;
    }

    private static int[] ReadHeader(Stream stream, int magic, int axes, string what, string name)
    {
        var header = new byte[4 + (4 * axes)];
        int read = stream.ReadAtLeast(header, header.Length, throwOnEndOfStream: false);
        if (read < header.Length)
        {
            throw new DataFormatException($"{name}: {read} bytes where the header of an IDX file of {what} has {header.Length}");
        }

        int found = BinaryPrimitives.ReadInt32BigEndian(header);
        if (found != magic)
        {
            string meant = found switch { LabelMagic => " (labels)", ImageMagic => " (images)", _ => "" };
            throw new DataFormatException($"{name}: magic number 0x{found:x8}{meant}, an IDX file of {what} begins with 0x{magic:x8}");
        }

        var sizes = new int[axes];
        long total = 1;
        for (int i = 0; i < axes; i++)
        {
            sizes[i] = BinaryPrimitives.ReadInt32BigEndian(header.AsSpan(4 + (4 * i)));
            if (sizes[i] < 0 || (total *= Math.Max(1, sizes[i])) > LargestBytes)
            {
                throw new DataFormatException($"{name}: the header announces {string.Join(" x ", sizes[..(i + 1)].Select(s => (uint)s))} bytes, at most {LargestBytes} are read");
            }
        }

        return sizes;
    }

    private static byte[] ReadBody(Stream stream, long bytes, string name)
    {
        // Grown piece by piece: a header that lies must not make us allocate what the file does not hold.
        var body = new byte[Math.Min(bytes, PieceBytes)];
        long filled = 0;
        while (filled < bytes)
        {
            if (filled == body.Length)
            {
                Array.Resize(ref body, (int)Math.Min(bytes, Math.Max(2L * body.Length, PieceBytes)));
            }

            int read = stream.Read(body.AsSpan((int)filled));
            if (read == 0)
            {
                throw new DataFormatException($"{name}: truncated, {filled} of {bytes} bytes are there");
            }

            filled += read;
        }

        if (stream.ReadByte() >= 0)
        {
            throw new DataFormatException($"{name}: more than the {bytes} bytes its header announces");
        }

        return body;
    }

    private sealed class GuardedGzip(Stream inner, string name) : Stream
    {
        private readonly GZipStream _gzip = new(inner, CompressionMode.Decompress);

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override int Read(Span<byte> buffer)
        {
            try
            {
                return _gzip.Read(buffer);
            }
            catch (InvalidDataException e)
            {
                throw new DataFormatException($"{name}: damaged gzip data: {e.Message}", e);
            }
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                _gzip.Dispose();
            }

            base.Dispose(disposing);
        }
    }

    private sealed class PrefixedStream(ReadOnlyMemory<byte> start, Stream rest) : Stream
    {
        private ReadOnlyMemory<byte> _start = start;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override int Read(Span<byte> buffer)
        {
            if (_start.IsEmpty)
            {
                return rest.Read(buffer);
            }

            int count = Math.Min(buffer.Length, _start.Length);
            _start.Span[..count].CopyTo(buffer);
            _start = _start[count..];
            return count;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
