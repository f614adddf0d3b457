using SmartFrz.Nn.Data;

namespace SmartFrz.Nn.Tests;

internal static class PixelStatistics
{
    /// <summary>One image's pixels.</summary>
    public static byte[] Image(IImageDataset data, int index)
    {
        var pixels = new byte[data.Channels * data.Height * data.Width];
        data.Read(index, pixels);
        return pixels;
    }

    /// <summary>Mean and standard deviation of each channel, as shares of 255.</summary>
    public static (double[] Mean, double[] Deviation) Of(IImageDataset data)
    {
        int plane = data.Height * data.Width;
        var sum = new long[data.Channels];
        var squares = new long[data.Channels];
        var pixels = new byte[data.Channels * plane];
        for (int n = 0; n < data.Count; n++)
        {
            data.Read(n, pixels);
            for (int c = 0; c < sum.Length; c++)
            {
                foreach (byte p in pixels.AsSpan(c * plane, plane))
                {
                    sum[c] += p;
                    squares[c] += p * p;
                }
            }
        }

        double count = (double)data.Count * plane;
        double[] mean = [.. sum.Select(s => s / count / 255)];
        return (mean, [.. squares.Select((s, c) => Math.Sqrt((s / count / 255 / 255) - (mean[c] * mean[c])))]);
    }
}
