using System.Buffers.Binary;
using SmartFrz.Kernels.Random;

namespace SmartFrz.Nn.Data;

/// <summary>Images made from numbers: a smooth pattern of its class in each image, under noise. The same bytes on every machine.</summary>
/// <remarks>
/// Computes: pixel = (pattern(class) * (256 - noise) + r * noise) / 256 in integers, r uniform in 0..255; pattern(class) is a grid of
/// 4x4 random values for each channel, interpolated. Labels go round: image i has class i mod classes.
/// Memory:   the patterns alone; images are made when read.
/// </remarks>
public sealed class SyntheticDataset : IImageDataset
{
    // Streams of the generator.
    private const ulong PatternStream = 0x7061747465726E00, NoiseStream = 0x6E6F697365000000;
    private const int Grid = 4;

    private readonly byte[][] _patterns;
    private readonly Philox _noise;
    private readonly int _noiseShare;

    /// <summary>A data set of that size.</summary>
    /// <param name="count">The number of images.</param>
    /// <param name="classes">The number of classes.</param>
    /// <param name="channels">Channels of an image.</param>
    /// <param name="height">Rows of an image.</param>
    /// <param name="width">Columns of an image.</param>
    /// <param name="noise">The share of noise in a pixel, 0..1.</param>
    /// <param name="seed">The seed of the patterns.</param>
    /// <param name="split">Data sets of one seed have the same patterns; this number gives each noise of its own.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size is less than 1, or the noise outside 0..1.</exception>
    public SyntheticDataset(int count, int classes, int channels, int height, int width, double noise, ulong seed, int split = 0)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(classes, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(channels, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        if (!(noise >= 0 && noise <= 1))
        {
            throw new ArgumentOutOfRangeException(nameof(noise), "a share of noise is 0..1");
        }

        (Count, Channels, Height, Width) = (count, channels, height, width);
        ClassNames = [.. Enumerable.Range(0, classes).Select(c => FormattableString.Invariant($"class {c}"))];
        _noiseShare = (int)(noise * 256);
        _noise = Philox.Keyed(seed, NoiseStream + (ulong)split);
        _patterns = [.. Enumerable.Range(0, classes).Select(c => Pattern(Philox.Keyed(seed, PatternStream + (ulong)c), channels, height, width))];
    }

    /// <inheritdoc/>
    public int Count { get; }

    /// <inheritdoc/>
    public int Channels { get; }

    /// <inheritdoc/>
    public int Height { get; }

    /// <inheritdoc/>
    public int Width { get; }

    /// <inheritdoc/>
    public IReadOnlyList<string> ClassNames { get; }

    /// <inheritdoc/>
    public int Label(int index)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Count, nameof(index));
        return index % _patterns.Length;
    }

    /// <inheritdoc/>
    public void Read(int index, Span<byte> chw)
    {
        byte[] pattern = _patterns[Label(index)];
        Span<byte> random = stackalloc byte[16];
        for (int at = 0; at < pattern.Length; at += random.Length)
        {
            var (x, y, z, w) = _noise.Block((ulong)at, (ulong)index);
            BinaryPrimitives.WriteUInt32LittleEndian(random, x);
            BinaryPrimitives.WriteUInt32LittleEndian(random[4..], y);
            BinaryPrimitives.WriteUInt32LittleEndian(random[8..], z);
            BinaryPrimitives.WriteUInt32LittleEndian(random[12..], w);
            for (int i = 0; i < random.Length && at + i < pattern.Length; i++)
            {
                chw[at + i] = (byte)(((pattern[at + i] * (256 - _noiseShare)) + (random[i] * _noiseShare)) >> 8);
            }
        }
    }

    // Bilinear interpolation of a grid in integers with 8 bits of fraction: no floating point, so no machine differs.
    private static byte[] Pattern(Philox random, int channels, int height, int width)
    {
        byte[] grid = [.. Enumerable.Range(0, channels * Grid * Grid).Select(i => (byte)(random.Word((ulong)i) >> 24))];
        var pattern = new byte[channels * height * width];
        for (int i = 0; i < pattern.Length; i++)
        {
            int c = i / (height * width), y = i / width % height, x = i % width;
            var (row, down) = Place(y, height);
            var (column, right) = Place(x, width);
            int upper = (At(c, row, column) * (256 - right)) + (At(c, row, column + 1) * right);
            int lower = (At(c, row + 1, column) * (256 - right)) + (At(c, row + 1, column + 1) * right);
            pattern[i] = (byte)(((upper * (256 - down)) + (lower * down)) >> 16);
        }

        return pattern;

        int At(int c, int row, int column) => grid[(((c * Grid) + row) * Grid) + column];

        static (int Cell, int Fraction) Place(int at, int size)
        {
            int scaled = size == 1 ? 0 : (int)((long)at * (Grid - 1) * 256 / (size - 1));
            int cell = Math.Min(scaled >> 8, Grid - 2);
            return (cell, scaled - (cell << 8));
        }
    }
}
