using System.Buffers.Binary;

namespace SmartFrz.Nn.Data;

/// <summary>The size of a JPEG or PNG image, read from its header; the file is seen to be whole on the way.</summary>
/// <param name="Width">Columns.</param>
/// <param name="Height">Rows.</param>
internal readonly record struct ImageHeader(int Width, int Height)
{
    // A decoder allocates by the announced size: no image of that many pixels is believed, and no file of so few bytes for so many pixels.
    // (A JPEG of one colour has about 350 pixels a byte, a PNG about 340; the first megapixel is free.)
    private const long MostPixels = 1L << 26, FreePixels = 1L << 20, PixelsPerByte = 2048;

    // Each scan of a progressive JPEG goes over the whole image. Encoders make about ten.
    private const int MostScans = 256;

    private static ReadOnlySpan<byte> PngSignature => [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A];

    private static ReadOnlySpan<byte> JpegScan => [0xFF, 0xDA];

    private static ReadOnlySpan<byte> JpegEnd => [0xFF, 0xD9];

    /// <summary>Whether a file begins as PNG files do.</summary>
    public static bool IsPng(ReadOnlySpan<byte> file) => file.StartsWith(PngSignature);

    /// <summary>Reads the header.</summary>
    /// <exception cref="DataFormatException">It is neither JPEG nor PNG, or damaged, or too large.</exception>
    public static ImageHeader Read(ReadOnlySpan<byte> file, string name)
    {
        var header = file.StartsWith(PngSignature) ? ReadPng(file, name)
            : file is [0xFF, 0xD8, 0xFF, ..] ? ReadJpeg(file, name)
            : throw new DataFormatException($"{name}: neither JPEG nor PNG, {(file.IsEmpty ? "the file is empty" : $"it begins with 0x{Convert.ToHexStringLower(file[..Math.Min(4, file.Length)])}")}");
        if (header.Width < 1 || header.Height < 1)
        {
            throw new DataFormatException($"{name}: an image of {header.Width}x{header.Height} pixels");
        }

        long pixels = (long)header.Width * header.Height, most = Math.Min(MostPixels, FreePixels + (PixelsPerByte * file.Length));
        return pixels <= most ? header
            : throw new DataFormatException($"{name}: an image of {header.Width}x{header.Height} pixels in {file.Length} bytes, at most {most} pixels are decoded");
    }

    private static ImageHeader ReadPng(ReadOnlySpan<byte> file, string name)
    {
        const int lengthBytes = 4, typeBytes = 4, crcBytes = 4, headerBytes = 13;
        var header = default(ImageHeader);
        for (int at = PngSignature.Length; ;)
        {
            if (file.Length - at < lengthBytes + typeBytes + crcBytes)
            {
                throw new DataFormatException($"{name}: truncated PNG, {file.Length} bytes and no end mark");
            }

            uint length = BinaryPrimitives.ReadUInt32BigEndian(file[at..]);
            if (length > file.Length - at - lengthBytes - typeBytes - crcBytes)
            {
                throw new DataFormatException($"{name}: truncated PNG, {file.Length} bytes and a chunk of {length} at byte {at}");
            }

            var chunk = file.Slice(at + lengthBytes, typeBytes + (int)length);
            if (Crc32.Of(chunk) != BinaryPrimitives.ReadUInt32BigEndian(file[(at + lengthBytes + chunk.Length)..]))
            {
                throw new DataFormatException($"{name}: damaged PNG, the checksum of the chunk at byte {at} is wrong");
            }

            var type = chunk[..typeBytes];
            if (at == PngSignature.Length)
            {
                header = type.SequenceEqual("IHDR"u8) && length == headerBytes
                    ? new ImageHeader(BinaryPrimitives.ReadInt32BigEndian(chunk[4..]), BinaryPrimitives.ReadInt32BigEndian(chunk[8..]))
                    : throw new DataFormatException($"{name}: damaged PNG, it does not begin with its header");
            }
            else if (type.SequenceEqual("IEND"u8))
            {
                return header;
            }

            at += lengthBytes + chunk.Length + crcBytes;
        }
    }

    private static ImageHeader ReadJpeg(ReadOnlySpan<byte> file, string name)
    {
        const byte startOfScan = 0xDA, endOfImage = 0xD9, fill = 0xFF;
        var header = default(ImageHeader);
        for (int at = 2; ;)
        {
            while (at + 1 < file.Length && file[at] == fill && file[at + 1] == fill)
            {
                at++;
            }

            if (file.Length - at < 4)
            {
                throw new DataFormatException($"{name}: truncated JPEG, {file.Length} bytes and no image data");
            }

            byte marker = file[at + 1];
            int length = BinaryPrimitives.ReadUInt16BigEndian(file[(at + 2)..]);
            if (file[at] != fill || marker is 0 or endOfImage || length < 2)
            {
                throw new DataFormatException($"{name}: damaged JPEG, no segment at byte {at}");
            }

            // C0 to CF begin a frame, but for the tables C4 and CC and the reserved C8.
            if (marker is >= 0xC0 and <= 0xCF and not (0xC4 or 0xC8 or 0xCC) && length >= 8 && file.Length - at >= 2 + length)
            {
                header = new ImageHeader(BinaryPrimitives.ReadUInt16BigEndian(file[(at + 7)..]), BinaryPrimitives.ReadUInt16BigEndian(file[(at + 5)..]));
            }

            at += 2 + length;
            if (marker == startOfScan)
            {
                // Inside image data FF is followed by 00 or a restart mark, so this is the true end; bytes may follow it.
                if (at >= file.Length || file[at..].LastIndexOf(JpegEnd) < 0)
                {
                    throw new DataFormatException($"{name}: truncated JPEG, {file.Length} bytes and no end mark");
                }

                int scans = 1 + file[at..].Count(JpegScan);
                return scans <= MostScans ? header : throw new DataFormatException($"{name}: a JPEG of {scans} scans, at most {MostScans} are decoded");
            }
        }
    }
}
