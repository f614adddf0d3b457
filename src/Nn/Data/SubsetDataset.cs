namespace SmartFrz.Nn.Data;

/// <summary>The first images of a data set.</summary>
public sealed class SubsetDataset : IImageDataset
{
    private readonly IImageDataset _whole;

    /// <summary>The first <paramref name="count"/> images of <paramref name="whole"/>, or all when it has fewer.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The count is negative.</exception>
    public SubsetDataset(IImageDataset whole, int count)
    {
        ArgumentNullException.ThrowIfNull(whole);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        _whole = whole;
        Count = Math.Min(count, whole.Count);
    }

    /// <inheritdoc/>
    public int Count { get; }

    /// <inheritdoc/>
    public int Channels => _whole.Channels;

    /// <inheritdoc/>
    public int Height => _whole.Height;

    /// <inheritdoc/>
    public int Width => _whole.Width;

    /// <inheritdoc/>
    public IReadOnlyList<string> ClassNames => _whole.ClassNames;

    /// <inheritdoc/>
    public bool DecodesOnRead => _whole.DecodesOnRead;

    /// <inheritdoc/>
    public int Label(int index) => _whole.Label(Checked(index));

    /// <inheritdoc/>
    public void Read(int index, Span<byte> chw) => _whole.Read(Checked(index), chw);

    /// <inheritdoc/>
    public ImageBox ReadPart(int index, Func<int, int, ImageBox> choose, Span<byte> chw) => _whole.ReadPart(Checked(index), choose, chw);

    private int Checked(int index)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Count, nameof(index));
        return index;
    }
}
