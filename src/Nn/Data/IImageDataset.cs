namespace SmartFrz.Nn.Data;

/// <summary>Labelled images of one size, addressed by index.</summary>
public interface IImageDataset
{
    /// <summary>The number of images.</summary>
    int Count { get; }

    /// <summary>Channels of an image.</summary>
    int Channels { get; }

    /// <summary>Rows of an image.</summary>
    int Height { get; }

    /// <summary>Columns of an image.</summary>
    int Width { get; }

    /// <summary>The classes' names, in the order of their labels.</summary>
    IReadOnlyList<string> ClassNames { get; }

    /// <summary>The label of an image, 0 up to the number of classes.</summary>
    int Label(int index);

    /// <summary>Copies the pixels of an image: channel by channel, row by row, 0..255. Safe to call from several threads.</summary>
    void Read(int index, Span<byte> chw);
}

/// <summary>Images held in memory.</summary>
public sealed class InMemoryImageDataset : IImageDataset
{
    private readonly byte[] _pixels;
    private readonly int[] _labels;

    /// <summary>A data set over arrays, which it keeps.</summary>
    /// <param name="pixels">All images one after another, each channel by channel, row by row.</param>
    /// <param name="labels">Their labels.</param>
    /// <param name="channels">Channels of an image.</param>
    /// <param name="height">Rows of an image.</param>
    /// <param name="width">Columns of an image.</param>
    /// <param name="classNames">The classes' names.</param>
    /// <exception cref="DataFormatException">The sizes do not fit, or a label has no class.</exception>
    public InMemoryImageDataset(byte[] pixels, int[] labels, int channels, int height, int width, IReadOnlyList<string> classNames)
    {
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
        int size = Channels * Height * Width;
        _pixels.AsSpan(index * size, size).CopyTo(chw);
    }
}

/// <summary>The first images of a data set.</summary>
public sealed class SubsetDataset(IImageDataset whole, int count) : IImageDataset
{
    /// <inheritdoc/>
    public int Count { get; } = Math.Min(count, whole.Count);

    /// <inheritdoc/>
    public int Channels => whole.Channels;

    /// <inheritdoc/>
    public int Height => whole.Height;

    /// <inheritdoc/>
    public int Width => whole.Width;

    /// <inheritdoc/>
    public IReadOnlyList<string> ClassNames => whole.ClassNames;

    /// <inheritdoc/>
    public int Label(int index) => whole.Label(index);

    /// <inheritdoc/>
    public void Read(int index, Span<byte> chw) => whole.Read(index, chw);
}

/// <summary>A data file or folder that is not what it should be; the message names it and says both sides in one line.</summary>
public sealed class DataFormatException : Exception
{
    /// <summary>With a message.</summary>
    public DataFormatException(string message)
        : base(message)
    {
    }

    /// <summary>With a message and a cause.</summary>
    public DataFormatException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Without a message.</summary>
    public DataFormatException()
    {
    }
}
