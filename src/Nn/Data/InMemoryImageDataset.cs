namespace SmartFrz.Nn.Data;

/// <summary>Images held in memory, one byte a value.</summary>
public sealed class InMemoryImageDataset : IImageDataset
{
    private readonly byte[] _pixels;
    private readonly int[] _labels;
    private readonly int _size;

    /// <summary>A data set over arrays, which it keeps.</summary>
    /// <param name="pixels">All images one after another, (N,C,H,W).</param>
    /// <param name="labels">Their labels, (N).</param>
    /// <param name="channels">Channels of an image.</param>
    /// <param name="height">Rows of an image.</param>
    /// <param name="width">Columns of an image.</param>
    /// <param name="classNames">The classes' names.</param>
    /// <exception cref="DataFormatException">The sizes do not fit, or a label has no class.</exception>
    public InMemoryImageDataset(byte[] pixels, int[] labels, int channels, int height, int width, IReadOnlyList<string> classNames)
    {
        ArgumentNullException.ThrowIfNull(pixels);
        ArgumentNullException.ThrowIfNull(labels);
        if (channels < 1 || height < 1 || width < 1)
        {
            throw new DataFormatException($"images of {channels}x{height}x{width} values: every extent must be at least 1");
        }

        long expected = (long)labels.Length * channels * height * width;
        if (pixels.Length != expected)
        {
            throw new DataFormatException($"{labels.Length} images of {channels}x{height}x{width} need {expected} bytes, {pixels.Length} are there");
        }

        int wrong = Array.FindIndex(labels, l => l < 0 || l >= classNames.Count);
        if (wrong >= 0)
        {
            throw new DataFormatException($"image {wrong} has label {labels[wrong]}, the data set has {classNames.Count} classes");
        }

        (_pixels, _labels, Channels, Height, Width, ClassNames) = (pixels, labels, channels, height, width, classNames);
        _size = channels * height * width;
    }

    /// <inheritdoc/>
    public int Count => _labels.Length;

    /// <inheritdoc/>
    public int Channels { get; }

    /// <inheritdoc/>
    public int Height { get; }

    /// <inheritdoc/>
    public int Width { get; }

    /// <inheritdoc/>
    public IReadOnlyList<string> ClassNames { get; }

    /// <inheritdoc/>
    public int Label(int index) => _labels[index];

    /// <inheritdoc/>
    public void Read(int index, Span<byte> chw)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)_labels.Length, nameof(index));
        _pixels.AsSpan(index * _size, _size).CopyTo(chw);
    }
}
