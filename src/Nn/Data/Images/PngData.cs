using System.Buffers.Binary;
using System.IO.Compression;

namespace SmartFrz.Nn.Data;

/// <summary>Sees that the packed data of a PNG file unpack to no more than its header announces: a decoder would unpack them all.</summary>
internal static class PngData
{
    private const int SignatureBytes = 8, LengthBytes = 4, TypeBytes = 4, CrcBytes = 4;

    /// <summary>Unpacks and counts, without keeping anything.</summary>
    /// <param name="file">The file's bytes, whose chunks are known to be whole.</param>
    /// <param name="name">What messages call it.</param>
    /// <exception cref="DataFormatException">They are damaged, or more than the image.</exception>
    public static void Check(byte[] file, string name)
    {
        // Width, height, bits of a value, kind of colour, two methods, interlacing.
        var header = file.AsSpan(SignatureBytes + LengthBytes + TypeBytes);
        long width = BinaryPrimitives.ReadUInt32BigEndian(header), height = BinaryPrimitives.ReadUInt32BigEndian(header[4..]);
        int values = header[9] switch { 2 => 3, 4 => 2, 6 => 4, _ => 1 };
        long row = 1 + (((width * values * header[8]) + 7) / 8);
        // Seven passes have a filter byte and a part of a byte more in each of their rows, which are less than twice the image's.
        long most = (row * height) + (header[12] == 0 ? 0 : 4 * (height + 8));
        long unpacked = 0;
        try
        {
            using var data = new ZLibStream(new Chunks(file), CompressionMode.Decompress);
            var piece = new byte[1 << 14];
            for (int read; (read = data.Read(piece)) > 0 && unpacked <= most;)
            {
                unpacked += read;
            }
        }
        catch (InvalidDataException e)
        {
            throw new DataFormatException($"{name}: damaged PNG, its packed data are wrong", e);
        }

        if (unpacked > most)
        {
            throw new DataFormatException($"{name}: damaged PNG, {width}x{height} pixels have at most {most} bytes and its data unpack to more");
        }
    }

    /// <summary>The contents of all IDAT chunks one after another.</summary>
    private sealed class Chunks(byte[] file) : ForwardStream
    {
        private int _next = SignatureBytes, _at, _end;

        public override int Read(Span<byte> buffer)
        {
            while (_at == _end)
            {
                if (file.Length - _next < LengthBytes + TypeBytes + CrcBytes)
                {
                    return 0;
                }

                int length = BinaryPrimitives.ReadInt32BigEndian(file.AsSpan(_next));
                var type = file.AsSpan(_next + LengthBytes, TypeBytes);
                if (type.SequenceEqual("IEND"u8))
                {
                    return 0;
                }

                if (type.SequenceEqual("IDAT"u8))
                {
                    (_at, _end) = (_next + LengthBytes + TypeBytes, _next + LengthBytes + TypeBytes + length);
                }

                _next += LengthBytes + TypeBytes + length + CrcBytes;
            }

            int count = Math.Min(buffer.Length, _end - _at);
            file.AsSpan(_at, count).CopyTo(buffer);
            _at += count;
            return count;
        }
    }
}
