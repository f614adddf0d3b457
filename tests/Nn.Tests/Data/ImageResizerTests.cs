using SmartFrz.Nn.Data;

namespace SmartFrz.Nn.Tests;

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

    private static byte[] Resize(byte[] image, int channels, int height, int width, int size)
    {
        var result = new byte[channels * size * size];
        ImageResizer.Resize(image, channels, height, width, size, result);
        return result;
    }
}
