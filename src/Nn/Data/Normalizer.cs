namespace SmartFrz.Nn.Data;

/// <summary>Writes images as normalised floats, augmented on the way.</summary>
/// <remarks>
/// Computes: y = (x / 255 - mean) / std in single precision, from a table of the 256 pixel values of each channel.
/// Shapes:   (C,H,W) bytes to (C,H,W) floats.
/// </remarks>
internal sealed class Normalizer
{
    private readonly int _height, _width;
    private readonly float[][] _tables;

    public Normalizer(int channels, int height, int width, IReadOnlyList<float> mean, IReadOnlyList<float> deviation)
    {
        (_height, _width, _tables) = (height, width, new float[channels][]);
        for (int c = 0; c < channels; c++)
        {
            float m = mean.Count == 0 ? 0f : mean[c];
            float d = deviation.Count == 0 ? 1f : deviation[c];
            _tables[c] = new float[256];
            for (int v = 0; v < 256; v++)
            {
                _tables[c][v] = ((v / 255f) - m) / d;
            }
        }
    }

    /// <summary>Writes one image.</summary>
    public void Write(ReadOnlySpan<byte> pixels, Span<float> target, Augmentation how)
    {
        int plane = _height * _width;
        for (int c = 0; c < _tables.Length; c++)
        {
            var source = pixels.Slice(c * plane, plane);
            var result = target.Slice(c * plane, plane);
            if (how == default)
            {
                Map(source, result, _tables[c]);
            }
            else
            {
                WriteMoved(source, result, _tables[c], how);
            }
        }
    }

    private void WriteMoved(ReadOnlySpan<byte> source, Span<float> target, float[] table, Augmentation how)
    {
        // The columns of the crop that lie on the image; the others are black.
        int first = Math.Clamp(-how.Dx, 0, _width);
        int last = Math.Clamp(_width - how.Dx, first, _width);
        for (int y = 0; y < _height; y++)
        {
            var row = target.Slice(y * _width, _width);
            int from = y + how.Dy;
            if (from < 0 || from >= _height || first == last)
            {
                row.Fill(table[0]);
                continue;
            }

            var visible = source.Slice((from * _width) + first + how.Dx, last - first);
            if (how.Flip)
            {
                row[..(_width - last)].Fill(table[0]);
                MapReversed(visible, row.Slice(_width - last, last - first), table);
                row[(_width - first)..].Fill(table[0]);
            }
            else
            {
                row[..first].Fill(table[0]);
                Map(visible, row[first..last], table);
                row[last..].Fill(table[0]);
            }
        }
    }

    private static void Map(ReadOnlySpan<byte> source, Span<float> target, ReadOnlySpan<float> table)
    {
        for (int x = 0; x < target.Length && x < source.Length; x++)
        {
            target[x] = table[source[x]];
        }
    }

    private static void MapReversed(ReadOnlySpan<byte> source, Span<float> target, ReadOnlySpan<float> table)
    {
        for (int x = 0; x < target.Length; x++)
        {
            target[x] = table[source[source.Length - 1 - x]];
        }
    }
}
