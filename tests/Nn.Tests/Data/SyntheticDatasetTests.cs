using SmartFrz.Nn.Data;

namespace SmartFrz.Nn.Tests;

public sealed class SyntheticDatasetTests
{
    [Fact]
    public void The_same_numbers_make_the_same_bytes_for_ever()
    {
        var data = new SyntheticDataset(10, 3, 2, 5, 7, 0.5, seed: 9);

        // Written down once: a change here changes what every bench and test trains on.
        Assert.Equal([193, 103, 199, 180, 74], PixelStatistics.Image(data, 4)[..5]);
        Assert.Equal(PixelStatistics.Image(data, 4), PixelStatistics.Image(new SyntheticDataset(10, 3, 2, 5, 7, 0.5, seed: 9), 4));
    }

    [Fact]
    public void Without_noise_an_image_is_its_class()
    {
        var data = new SyntheticDataset(9, 3, 1, 8, 8, 0, seed: 1);

        Assert.Equal(PixelStatistics.Image(data, 1), PixelStatistics.Image(data, 4));
        Assert.NotEqual(PixelStatistics.Image(data, 1), PixelStatistics.Image(data, 2));
        Assert.Equal([0, 1, 2, 0], Enumerable.Range(0, 4).Select(data.Label));
    }

    [Fact]
    public void Splits_share_patterns_and_not_noise()
    {
        var train = new SyntheticDataset(30, 3, 3, 16, 16, 0.75, seed: 1, split: 0);
        var test = new SyntheticDataset(30, 3, 3, 16, 16, 0.75, seed: 1, split: 1);

        Assert.NotEqual(PixelStatistics.Image(train, 0), PixelStatistics.Image(test, 0));

        // The nearest mean image of the training split tells the class of every test image.
        double[][] means = [.. Enumerable.Range(0, 3).Select(c => Mean(train, c))];
        for (int i = 0; i < test.Count; i++)
        {
            byte[] image = PixelStatistics.Image(test, i);
            int nearest = Enumerable.Range(0, 3).MinBy(c => means[c].Zip(image, (m, p) => (m - p) * (m - p)).Sum());
            Assert.Equal(test.Label(i), nearest);
        }

        static double[] Mean(IImageDataset data, int label)
        {
            int[] members = [.. Enumerable.Range(0, data.Count).Where(i => data.Label(i) == label)];
            return [.. Enumerable.Range(0, 3 * 16 * 16).Select(p => members.Average(i => (double)PixelStatistics.Image(data, i)[p]))];
        }
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 5)]
    [InlineData(3, 2)]
    public void Any_size_will_do(int height, int width)
    {
        var data = new SyntheticDataset(4, 2, 3, height, width, 1, seed: 1);

        Assert.Equal(3 * height * width, PixelStatistics.Image(data, 3).Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => data.Label(4));
        Assert.Throws<ArgumentOutOfRangeException>(() => new SyntheticDataset(4, 2, 3, 0, width, 1, seed: 1));
    }
}
