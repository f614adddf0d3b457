using CsCheck;
using SmartFrz.Nn.Data;

namespace SmartFrz.Nn.Tests;

public sealed class ImageDecoderTests
{
    private static readonly byte[] Colours = ImageFiles.Png(3, 5, 3, (y, x, c) => (byte)((y * 50) + (x * 10) + c));

    [Fact]
    public void A_colour_image_becomes_three_planes()
    {
        var (size, pixels) = Decode(Colours, 3);

        Assert.Equal(new ImageHeader(5, 3), size);
        Assert.Equal(Enumerable.Range(0, 45).Select(i => (byte)((i / 5 % 3 * 50) + (i % 5 * 10) + (i / 15))), pixels);
    }

    [Fact]
    public void Channels_are_made_as_asked()
    {
        byte[] grey = ImageFiles.Png(2, 2, 1, (y, x, _) => (byte)((y * 100) + x));
        byte[] clear = ImageFiles.Png(2, 2, 4, (y, x, c) => (byte)(c == 3 ? 0 : (y * 100) + (x * 10) + c));

        Assert.Equal([0, 1, 100, 101, 0, 1, 100, 101, 0, 1, 100, 101], Decode(grey, 3).Pixels);
        Assert.Equal([0, 1, 100, 101], Decode(grey, 1).Pixels);
        Assert.Equal([0, 10, 100, 110, 1, 11, 101, 111, 2, 12, 102, 112], Decode(clear, 3).Pixels);
        Assert.Equal([77 * 200 >> 8, 200], Decode(ImageFiles.Png(1, 2, 3, (_, x, c) => (byte)(c == 0 || x == 1 ? 200 : 0)), 1).Pixels);
    }

    [Fact]
    public void A_jpeg_is_known_by_its_bytes()
    {
        var (size, pixels) = Decode(ImageFiles.Jpeg(16, 24, 200), 3);

        Assert.Equal(new ImageHeader(24, 16), size);
        Assert.All(pixels, p => Assert.Equal(200, p));
    }

    [Fact]
    public void What_is_damaged_is_named()
    {
        byte[] jpeg = ImageFiles.Jpeg(16, 16, 200), png = ImageFiles.Png(4, 4, 9);
        byte[] flipped = [.. png];
        flipped[45] ^= 1;

        Assert.Equal("x: neither JPEG nor PNG, the file is empty", Message([]));
        Assert.Equal("x: neither JPEG nor PNG, it begins with 0x47494638", Message("GIF89a"u8.ToArray()));
        Assert.Equal($"x: truncated JPEG, {jpeg.Length - 2} bytes and no end mark", Message(jpeg[..^2]));
        Assert.Equal("x: truncated JPEG, 100 bytes and no image data", Message(jpeg[..100]));
        Assert.Equal("x: damaged JPEG, no segment at byte 71", Message([.. jpeg[..71], 0, .. jpeg[72..]]));
        Assert.Equal($"x: truncated PNG, {png.Length - 12} bytes and no end mark", Message(png[..^12]));
        Assert.Equal("x: truncated PNG, 50 bytes and a chunk of " + (png.Length - 57) + " at byte 33", Message(png[..50]));
        Assert.Equal("x: damaged PNG, the checksum of the chunk at byte 33 is wrong", Message(flipped));
        Assert.Equal("x: damaged PNG, it does not begin with its header", Message([.. png[..8], .. png[33..]]));
        Assert.Equal("x: an image of 0x4 pixels", Message(ImageFiles.Png(4, 0, 3, (_, _, _) => 0)));
    }

    [Fact]
    public void Few_bytes_do_not_make_many_pixels()
    {
        byte[] jpeg = ImageFiles.Jpeg(16, 16, 200);
        jpeg[76] = jpeg[78] = 0xFF;

        Assert.Equal(
            $"x: an image of 65296x65296 pixels in {jpeg.Length} bytes, at most {(1 << 20) + (2048 * jpeg.Length)} pixels are decoded", Message(jpeg));
    }

    [Fact]
    public void Packed_data_are_no_more_than_the_image()
    {
        // A megabyte of zeros in a few kilobytes, under the header of four pixels.
        byte[] large = ImageFiles.Png(600, 600, 3, (_, _, _) => 0), small = ImageFiles.Png(2, 2, 3, (_, _, _) => 0);
        byte[] bomb = [.. small[..33], .. large[33..]];

        Assert.Equal("x: damaged PNG, 2x2 pixels have at most 14 bytes and its data unpack to more", Message(bomb));
        byte[] jpeg = ImageFiles.Jpeg(16, 16, 200);
        byte[] scans = [.. jpeg[..^2], .. Enumerable.Repeat((byte[])[0xFF, 0xDA, 0, 2], 300).SelectMany(s => s), 0xFF, 0xD9];
        Assert.Equal("x: a JPEG of 301 scans, at most 256 are decoded", Message(scans));
    }

    [Fact]
    public void A_damaged_image_is_our_exception_and_nothing_else()
    {
        var file = Gen.Int[0, 2].Select(i => i switch { 0 => Colours, 1 => ImageFiles.Jpeg(16, 24, 200), _ => ImageFiles.Png(9, 9, 4, (y, x, c) => (byte)(y * x * c)) });
        Gen.Select(file, Gen.Byte.Array[1, 4], Gen.Int[0, 10_000], Gen.Int[0, 2], Gen.Bool.Select(grey => grey ? 1 : 3)).Sample(
            (bytes, with, at, how, channels) =>
            {
                try
                {
                    Decode(Damage.Of(bytes, with, at, how), channels);
                }
                catch (DataFormatException e)
                {
                    return e.Message.StartsWith("x: ", StringComparison.Ordinal) && !e.Message.Contains('\n');
                }

                return true;
            },
            iter: 5_000, seed: "0000000000001");
    }

    private static (ImageHeader Size, byte[] Pixels) Decode(byte[] file, int channels)
    {
        var size = ImageHeader.Read(file, "x");
        var pixels = new byte[channels * size.Height * size.Width];
        ImageDecoder.Decode(file, "x", channels, size, pixels);
        return (size, pixels);
    }

    private static string Message(byte[] file) => Assert.Throws<DataFormatException>(() => Decode(file, 3)).Message;
}
