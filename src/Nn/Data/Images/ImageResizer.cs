namespace SmartFrz.Nn.Data;

/// <summary>A part of an image.</summary>
/// <param name="Top">Its first row.</param>
/// <param name="Left">Its first column.</param>
/// <param name="Height">Its rows.</param>
/// <param name="Width">Its columns.</param>
public readonly record struct ImageBox(int Top, int Left, int Height, int Width);

/// <summary>Brings images, or parts of them, to a size.</summary>
/// <remarks>
/// Computes: each value is the mean of the source values around its place under a triangle as wide as the scale (at least one pixel
/// each way): bilinear interpolation when enlarging, without aliasing when shrinking. Columns first, then rows, rounded after each, in
/// fixed point: the same bytes as PIL's bilinear filter, by which torchvision scales images.
/// Shapes:   (C,H,W) bytes to (C,h,w) bytes.
/// </remarks>
internal static class ImageResizer
{
    // PIL's: 32 bits less 8 of a value and 2 to spare.
    private const int FractionBits = 22, Half = 1 << (FractionBits - 1);

    /// <summary>Scales an image until its shorter side has a length, and cuts a square out of its middle.</summary>
    /// <param name="source">The image.</param>
    /// <param name="channels">Its channels.</param>
    /// <param name="height">Its rows.</param>
    /// <param name="width">Its columns.</param>
    /// <param name="shorter">The length of the shorter side before the cut, at least <paramref name="size"/>.</param>
    /// <param name="size">Rows and columns of the square.</param>
    /// <param name="target">Receives the square.</param>
    /// <remarks>The longer side is cut down to a whole number and the middle rounded to even, as torchvision does.</remarks>
    public static void Centre(ReadOnlySpan<byte> source, int channels, int height, int width, int shorter, int size, Span<byte> target)
    {
        int least = Math.Min(height, width);
        int scaledHeight = (int)((long)shorter * height / least), scaledWidth = (int)((long)shorter * width / least);
        var rows = Taps.Of(height, scaledHeight, Middle(scaledHeight), size);
        var columns = Taps.Of(width, scaledWidth, Middle(scaledWidth), size);
        Scale(source, channels, height * width, width, rows, columns, target);

        int Middle(int scaled) => (int)Math.Round((scaled - size) / 2.0, MidpointRounding.ToEven);
    }

    /// <summary>Scales a part of an image to a size.</summary>
    /// <param name="source">The image.</param>
    /// <param name="channels">Its channels.</param>
    /// <param name="height">Its rows.</param>
    /// <param name="width">Its columns.</param>
    /// <param name="box">The part. What lies outside of it plays no part.</param>
    /// <param name="targetHeight">Rows of the target.</param>
    /// <param name="targetWidth">Columns of the target.</param>
    /// <param name="target">Receives the scaled part.</param>
    public static void Part(
        ReadOnlySpan<byte> source, int channels, int height, int width, ImageBox box, int targetHeight, int targetWidth, Span<byte> target)
    {
        var rows = Taps.Of(box.Height, targetHeight, 0, targetHeight);
        var columns = Taps.Of(box.Width, targetWidth, 0, targetWidth);
        Scale(source[((box.Top * width) + box.Left)..], channels, height * width, width, rows, columns, target);
    }

    private static void Scale(ReadOnlySpan<byte> source, int channels, int plane, int stride, Taps[] rows, Taps[] columns, Span<byte> target)
    {
        // The rows that the target is made of: of a long strip only a few.
        int top = rows[0].First, count = rows[^1].First + rows[^1].Weights.Length - top;
        var narrow = new byte[count * columns.Length];
        for (int c = 0; c < channels; c++)
        {
            for (int y = 0; y < count; y++)
            {
                var row = source[((c * plane) + ((top + y) * stride))..];
                var into = narrow.AsSpan(y * columns.Length, columns.Length);
                for (int x = 0; x < columns.Length; x++)
                {
                    var (first, weights) = columns[x];
                    int sum = Half;
                    for (int i = 0; i < weights.Length; i++)
                    {
                        sum += weights[i] * row[first + i];
                    }

                    into[x] = (byte)Math.Clamp(sum >> FractionBits, 0, byte.MaxValue);
                }
            }

            for (int y = 0; y < rows.Length; y++)
            {
                var (first, weights) = rows[y];
                var into = target.Slice(((c * rows.Length) + y) * columns.Length, columns.Length);
                for (int x = 0; x < into.Length; x++)
                {
                    int sum = Half;
                    for (int i = 0; i < weights.Length; i++)
                    {
                        sum += weights[i] * narrow[((first + i - top) * into.Length) + x];
                    }

                    into[x] = (byte)Math.Clamp(sum >> FractionBits, 0, byte.MaxValue);
                }
            }
        }
    }

    /// <summary>The source values of one target value: where they begin, and their weights, which sum to one, in fixed point.</summary>
    private readonly record struct Taps(int First, int[] Weights)
    {
        /// <summary>From <paramref name="skipped"/> on <paramref name="size"/> of the <paramref name="scaled"/> values made of <paramref name="source"/> values.</summary>
        public static Taps[] Of(int source, int scaled, int skipped, int size)
        {
            var taps = new Taps[size];
            double step = (double)source / scaled, reach = Math.Max(1, step);
            for (int i = 0; i < size; i++)
            {
                double center = (i + skipped + 0.5) * step;
                int first = Math.Max(0, (int)(center - reach + 0.5)), end = Math.Min(source, (int)(center + reach + 0.5));
                var weights = new double[end - first];
                double sum = 0;
                for (int at = 0; at < weights.Length; at++)
                {
                    weights[at] = Math.Max(0, 1 - Math.Abs((at + first - center + 0.5) * (1 / reach)));
                    sum += weights[at];
                }

                taps[i] = new Taps(first, Array.ConvertAll(weights, w => (int)(0.5 + (w / sum * (1 << FractionBits)))));
            }

            return taps;
        }
    }
}
