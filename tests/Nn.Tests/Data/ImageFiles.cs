using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using SmartFrz.Nn.Data;

namespace SmartFrz.Nn.Tests;

/// <summary>Writes small PNG and JPEG files.</summary>
internal static class ImageFiles
{
    /// <summary>A PNG of 8 bits a value: 1 channel grey, 3 colour, 4 with transparency. Pixels by (row, column, channel).</summary>
    public static byte[] Png(int height, int width, int channels, Func<int, int, int, byte> pixel)
    {
        byte colourType = channels switch { 1 => 0, 3 => 2, _ => 6 };
        var header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), height);
        (header[8], header[9]) = (8, colourType);

        using var packed = new MemoryStream();
        using (var zlib = new ZLibStream(packed, CompressionLevel.Fastest, leaveOpen: true))
        {
            for (int y = 0; y < height; y++)
            {
                zlib.WriteByte(0);
                for (int i = 0; i < width * channels; i++)
                {
                    zlib.WriteByte(pixel(y, i / channels, i % channels));
                }
            }
        }

        return [0x89, .. "PNG\r\n"u8, 0x1A, (byte)'\n', .. Chunk("IHDR", header), .. Chunk("IDAT", packed.ToArray()), .. Chunk("IEND", [])];
    }

    /// <summary>A colour PNG of one brightness.</summary>
    public static byte[] Png(int height, int width, byte brightness) => Png(height, width, 3, (_, _, _) => brightness);

    /// <summary>A grey baseline JPEG of one brightness, 192 to 255; sides are multiples of 8.</summary>
    public static byte[] Jpeg(int height, int width, byte brightness)
    {
        // Codes: DC category 0 is "0", category 7 is "10" and 7 bits; AC end of block is "0". A quantiser of 8 makes a step one level.
        var bits = new StringBuilder("10").Append(Convert.ToString(brightness - 128, 2)).Append('0');
        bits.Append('0', 2 * ((height * width / 64) - 1));
        bits.Append('1', (8 - (bits.Length % 8)) % 8);
        byte[] data = [.. Enumerable.Range(0, bits.Length / 8).Select(i => Convert.ToByte(bits.ToString(8 * i, 8), 2))];
        return
        [
            0xFF, 0xD8,
            0xFF, 0xDB, 0, 67, 0, .. Enumerable.Repeat((byte)8, 64),
            0xFF, 0xC0, 0, 11, 8, (byte)(height >> 8), (byte)height, (byte)(width >> 8), (byte)width, 1, 1, 0x11, 0,
            0xFF, 0xC4, 0, 21, 0x00, 1, 1, .. new byte[14], 0, 7,
            0xFF, 0xC4, 0, 20, 0x10, 1, .. new byte[15], 0,
            0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 63, 0,
            .. data,
            0xFF, 0xD9,
        ];
    }

    private static byte[] Chunk(string type, byte[] data)
    {
        byte[] body = [.. Encoding.ASCII.GetBytes(type), .. data];
        var length = new byte[4];
        var crc = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(length, data.Length);
        BinaryPrimitives.WriteUInt32BigEndian(crc, Crc32.Of(body));
        return [.. length, .. body, .. crc];
    }
}
