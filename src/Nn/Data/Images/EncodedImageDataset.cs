namespace SmartFrz.Nn.Data;

/// <summary>Images that are decoded each time they are read, brought to one size where they differ.</summary>
/// <remarks>Shapes: (channels, height, width); an image of another size is resized where <c>resize</c> is given, and an error where not.</remarks>
internal sealed class EncodedImageDataset : IImageDataset
{
    private readonly IReadOnlyList<ImageFile> _files;
    private readonly int[] _labels;
    private readonly bool _resize;
    private readonly string _expectedBy;

    /// <param name="files">The images.</param>
    /// <param name="classNames">The classes, which all images have.</param>
    /// <param name="channels">1 or 3.</param>
    /// <param name="height">Rows.</param>
    /// <param name="width">Columns.</param>
    /// <param name="resize">Whether an image of another size is resized; then height and width are equal.</param>
    /// <param name="expectedBy">What sets the size, for messages.</param>
    public EncodedImageDataset(
        IReadOnlyList<ImageFile> files, IReadOnlyList<string> classNames, int channels, int height, int width, bool resize, string expectedBy)
    {
        var labels = classNames.Select((name, label) => (name, label)).ToDictionary(p => p.name, p => p.label, StringComparer.Ordinal);
        (_files, ClassNames, Channels, Height, Width, _resize, _expectedBy) = (files, classNames, channels, height, width, resize, expectedBy);
        _labels = [.. files.Select(f => labels[f.Class])];
    }

    public int Count => _labels.Length;

    public int Channels { get; }

    public int Height { get; }

    public int Width { get; }

    public IReadOnlyList<string> ClassNames { get; }

    public int Label(int index) => _labels[index];

    public void Read(int index, Span<byte> chw)
    {
        var file = _files[index];
        byte[] bytes = file.Bytes();
        var header = ImageHeader.Read(bytes, file.Where);
        if (header == new ImageHeader(Width, Height))
        {
            ImageDecoder.Decode(bytes, file.Where, Channels, header, chw);
            return;
        }

        if (!_resize)
        {
            throw new DataFormatException(
                $"{file.Where}: {header.Width}x{header.Height} pixels, expected {Width}x{Height} as {_expectedBy}; data.size=N brings all to NxN");
        }

        var pixels = new byte[Channels * header.Height * header.Width];
        ImageDecoder.Decode(bytes, file.Where, Channels, header, pixels);
        ImageResizer.Resize(pixels, Channels, header.Height, header.Width, Height, chw);
    }

    /// <summary>Decodes all images, on several threads, into memory.</summary>
    /// <param name="threads">Threads; 0 for all processors.</param>
    /// <exception cref="DataFormatException">Of all images that cannot be decoded the first one is told.</exception>
    public InMemoryImageDataset Decoded(int threads)
    {
        int size = Channels * Height * Width;
        var pixels = new byte[(long)Count * size];
        var failures = new System.Collections.Concurrent.ConcurrentDictionary<long, DataFormatException>();
        Parallel.For(0, Count, new ParallelOptions { MaxDegreeOfParallelism = threads > 0 ? threads : Environment.ProcessorCount }, (index, state) =>
        {
            try
            {
                Read(index, pixels.AsSpan(index * size, size));
            }
            catch (DataFormatException e)
            {
                // All images before this one are still tried, so the first failure is the same one every time.
                failures[index] = e;
                state.Break();
            }
        });
        return failures.IsEmpty ? new InMemoryImageDataset(pixels, _labels, Channels, Height, Width, ClassNames)
            : throw new DataFormatException(failures.MinBy(f => f.Key).Value.Message, failures.MinBy(f => f.Key).Value);
    }
}
