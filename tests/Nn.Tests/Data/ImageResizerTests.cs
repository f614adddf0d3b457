using SmartFrz.Nn.Data;

namespace SmartFrz.Nn.Tests;

/// <summary>The checksums are printed by <c>bench/peers/image_resize.py</c>.</summary>
public sealed class ImageResizerTests
{
    [Fact]
    public void The_same_size_is_the_same_image()
    {
        byte[] image = [.. Enumerable.Range(0, 3 * 5 * 5).Select(i => (byte)(i * 37))];

        Assert.Equal(image, Resize(image, 3, 5, 5, 5));
    }

    [Fact]
    public void A_longer_side_is_cut_to_its_middle()
    {
        byte[] wide = [.. Enumerable.Range(0, 2 * 6).Select(i => (byte)i)];
        byte[] tall = [.. Enumerable.Range(0, 6 * 2).Select(i => (byte)i)];

        Assert.Equal([2, 3, 8, 9], Resize(wide, 1, 2, 6, 2));
        Assert.Equal([4, 5, 6, 7], Resize(tall, 1, 6, 2, 2));
    }

    [Fact]
    public void Enlarging_interpolates_between_the_middles_of_pixels()
    {
        // Middles of the new pixels lie at -0.25, 0.25, 0.75 and 1.25 of the old ones.
        Assert.Equal([0, 50, 150, 200], Resize([0, 200, 0, 200], 1, 2, 2, 4)[..4]);
    }

    [Fact]
    public void Shrinking_takes_the_mean_and_does_not_alias()
    {
        byte[] stripes = [.. Enumerable.Range(0, 64 * 64).Select(i => (byte)(i % 2 * 255))];

        Assert.All(Resize(stripes, 1, 64, 64, 8), p => Assert.InRange(p, 120, 135));
        Assert.All(Resize([.. Enumerable.Repeat((byte)77, 3 * 50 * 91)], 3, 50, 91, 17), p => Assert.Equal(77, p));
    }

    [Theory]
    [InlineData(1, 1, 7)]
    [InlineData(1, 1000, 3)]
    [InlineData(1000, 1, 3)]
    [InlineData(7, 9, 1)]
    [InlineData(33, 32, 31)]
    public void Any_size_will_do(int height, int width, int size)
    {
        Assert.All(Resize([.. Enumerable.Repeat((byte)200, height * width)], 1, height, width, size), p => Assert.Equal(200, p));
    }

    [Theory]
    [InlineData(40, 60, 32, 32, 0x09baa6adu)]
    [InlineData(61, 47, 37, 32, 0xb856319au)]
    [InlineData(9, 7, 20, 17, 0xdc5ac0b4u)]
    [InlineData(100, 333, 64, 56, 0x1fc91a79u)]
    [InlineData(500, 375, 256, 224, 0x866a53a7u)]
    [InlineData(33, 32, 31, 31, 0xd6bf4d3bu)]
    [InlineData(8, 8, 8, 5, 0x79705ea5u)]
    public void The_middle_is_that_of_torchvision(int height, int width, int shorter, int size, uint checksum)
    {
        var result = new byte[3 * size * size];
        ImageResizer.Centre(Formula(height, width), 3, height, width, shorter, size, result);

        Assert.Equal(checksum, Crc32.Of(result));
    }

    [Theory]
    [InlineData(40, 60, 3, 5, 30, 41, 32, 32, 0x4a290b99u)]
    [InlineData(40, 60, 0, 0, 40, 60, 7, 90, 0x45a2f2a7u)]
    [InlineData(17, 19, 16, 18, 1, 1, 5, 4, 0x016f57a6u)]
    [InlineData(200, 300, 11, 100, 150, 113, 64, 64, 0xcd2eccf7u)]
    public void A_part_is_that_of_torchvision(int height, int width, int top, int left, int rows, int columns, int h, int w, uint checksum)
    {
        var result = new byte[3 * h * w];
        ImageResizer.Part(Formula(height, width), 3, height, width, new ImageBox(top, left, rows, columns), h, w, result);

        Assert.Equal(checksum, Crc32.Of(result));
    }

    private static byte[] Formula(int height, int width) =>
        [.. from c in Enumerable.Range(0, 3) from y in Enumerable.Range(0, height) from x in Enumerable.Range(0, width) select (byte)((37 * c) + (11 * y) + (5 * x) + (x * y))];

    private static byte[] Resize(byte[] image, int channels, int height, int width, int size)
    {
        var result = new byte[channels * size * size];
        ImageResizer.Centre(image, channels, height, width, size, size, result);
        return result;
    }
}
