using SmartFrz.Kernels.Random;

namespace SmartFrz.Nn.Data;

/// <summary>Draws a part of an image: its area between a share and the whole, its sides as 3:4 to 4:3, anywhere.</summary>
/// <remarks>Source: Szegedy et al., "Going deeper with convolutions" (arXiv 1409.4842); the draws are those of torchvision's RandomResizedCrop.</remarks>
internal static class RandomResizedCrop
{
    private const int Tries = 10;
    private const double Narrowest = 3.0 / 4, Widest = 4.0 / 3;

    // What a key can hold.
    private const int SideBits = 15, LargestSide = (1 << SideBits) - 1;

    /// <summary>Draws the part of an image. It depends on the generator and the image alone.</summary>
    /// <param name="generator">That of the epoch's augmentations.</param>
    /// <param name="sampleId">The image's index in the data set.</param>
    /// <param name="leastArea">The least share of the area, above 0 and at most 1.</param>
    /// <param name="height">Rows of the image.</param>
    /// <param name="width">Columns of the image.</param>
    public static ImageBox Draw(Philox generator, int sampleId, double leastArea, int height, int width)
    {
        if (Math.Max(height, width) > LargestSide)
        {
            throw new DataFormatException($"image {sampleId}: {width}x{height} pixels, random crops are taken of sides up to {LargestSide}");
        }

        for (ulong attempt = 1; attempt <= Tries; attempt++)
        {
            var draw = generator.Block((ulong)sampleId, attempt);
            double area = (double)height * width * (leastArea + ((1 - leastArea) * Unit(draw.X)));
            double aspect = Math.Exp(Math.Log(Narrowest) + ((Math.Log(Widest) - Math.Log(Narrowest)) * Unit(draw.Y)));
            int w = Rounded(Math.Sqrt(area * aspect)), h = Rounded(Math.Sqrt(area / aspect));
            if (w >= 1 && w <= width && h >= 1 && h <= height)
            {
                return new ImageBox(Below(draw.Z, height - h + 1), Below(draw.W, width - w + 1), h, w);
            }
        }

        // The middle, as much of it as has sides within the bounds.
        double ratio = (double)width / height;
        int middleWidth = ratio > Widest ? Rounded(height * Widest) : width, middleHeight = ratio < Narrowest ? Rounded(width / Narrowest) : height;
        return new ImageBox((height - middleHeight) / 2, (width - middleWidth) / 2, middleHeight, middleWidth);
    }

    /// <summary>A number that says it all, none of <see cref="Augmentation.Key"/>'s.</summary>
    public static ulong Key(ImageBox box, bool flip) =>
        (uint)box.Top | ((ulong)box.Left << SideBits) | ((ulong)box.Height << (2 * SideBits)) | ((ulong)box.Width << (3 * SideBits)) | (flip ? 1UL << 62 : 0) | (1UL << 63);

    private static double Unit(uint word) => word * (1.0 / 4294967296.0);

    private static int Below(uint word, int n) => (int)(((ulong)word * (uint)n) >> 32);

    private static int Rounded(double value) => (int)Math.Round(value, MidpointRounding.ToEven);
}
