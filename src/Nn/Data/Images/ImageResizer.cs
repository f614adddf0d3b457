namespace SmartFrz.Nn.Data;

/// <summary>Brings an image of any size to a square: scaled until the shorter side fits, then cut to its middle.</summary>
/// <remarks>
/// Computes: each value is the mean of the source values around its place under a triangle as wide as the scale (at least one pixel
/// each way): bilinear interpolation when enlarging, without aliasing when shrinking. Columns first, then rows, rounded once.
/// Shapes:   (C,H,W) bytes to (C,size,size) bytes.
/// </remarks>
internal static class ImageResizer
{
    /// <summary>Scales and cuts.</summary>
    public static void Resize(ReadOnlySpan<byte> source, int channels, int height, int width, int size, Span<byte> target)
    {
        int shorter = Math.Min(height, width);
        var rows = Taps.Of(height, ScaledSide(height), size);
        var columns = Taps.Of(width, ScaledSide(width), size);

        // The rows that the middle is made of: of a long strip only a few.
        int top = rows[0].First, count = rows[^1].First + rows[^1].Weights.Length - top;
        var narrow = new float[count * size];
        for (int c = 0; c < channels; c++)
        {
            var plane = source.Slice(c * height * width, height * width);
            for (int y = 0; y < count; y++)
            {
                for (int x = 0; x < size; x++)
                {
                    float sum = 0;
                    var (first, weights) = columns[x];
                    for (int i = 0; i < weights.Length; i++)
                    {
                        sum += weights[i] * plane[((top + y) * width) + first + i];
                    }

                    narrow[(y * size) + x] = sum;
                }
            }

            for (int y = 0; y < size; y++)
            {
                var (first, weights) = rows[y];
                for (int x = 0; x < size; x++)
                {
                    float sum = 0;
                    for (int i = 0; i < weights.Length; i++)
                    {
                        sum += weights[i] * narrow[((first + i - top) * size) + x];
                    }

                    target[(((c * size) + y) * size) + x] = (byte)Math.Clamp((int)(sum + 0.5f), 0, 255);
                }
            }
        }

        int ScaledSide(int side) => (int)((((2L * side * size) / shorter) + 1) / 2);
    }

    /// <summary>The source values of one target value: where they begin, and their weights, which sum to one.</summary>
    private readonly record struct Taps(int First, float[] Weights)
    {
        /// <summary>The middle <paramref name="size"/> of the <paramref name="scaled"/> values made of <paramref name="source"/> values.</summary>
        public static Taps[] Of(int source, int scaled, int size)
        {
            var taps = new Taps[size];
            int skipped = (scaled - size) / 2;
            double step = (double)source / scaled, reach = Math.Max(1, step);
            for (int i = 0; i < size; i++)
            {
                double center = ((i + skipped + 0.5) * step) - 0.5;
                int first = Math.Max(0, (int)Math.Ceiling(center - reach)), last = Math.Min(source - 1, (int)Math.Floor(center + reach));
                double[] weights = [.. Enumerable.Range(first, last - first + 1).Select(at => Math.Max(0, 1 - (Math.Abs(at - center) / reach)))];
                double sum = weights.Sum();
                taps[i] = new Taps(first, Array.ConvertAll(weights, w => (float)(w / sum)));
            }

            return taps;
        }
    }
}
