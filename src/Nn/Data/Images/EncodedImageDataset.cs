using System.Collections.Concurrent;

namespace SmartFrz.Nn.Data;

/// <summary>How images become those of a data set.</summary>
/// <param name="Channels">1 or 3.</param>
/// <param name="Height">Rows.</param>
/// <param name="Width">Columns.</param>
/// <param name="Shorter">What the shorter side of an image of another size is scaled to before the cut; 0 makes such an image an error. Then height and width are equal.</param>
/// <param name="ExpectedBy">What sets the size, for messages.</param>
internal sealed record ImageForm(int Channels, int Height, int Width, int Shorter, string ExpectedBy)
{
    /// <summary>Bytes of an image.</summary>
    public int Bytes => Channels * Height * Width;
}

/// <summary>Images that are decoded each time they are read, brought to one size where they differ.</summary>
internal sealed class EncodedImageDataset : IImageDataset
{
    private readonly IReadOnlyList<ImageFile> _files;
    private readonly int[] _labels;
    private readonly ImageForm _form;

    /// <param name="files">The images.</param>
    /// <param name="classNames">The classes, which all images have.</param>
    /// <param name="form">What they become.</param>
    public EncodedImageDataset(IReadOnlyList<ImageFile> files, IReadOnlyList<string> classNames, ImageForm form)
    {
        var labels = classNames.Select((name, label) => (name, label)).ToDictionary(p => p.name, p => p.label, StringComparer.Ordinal);
        (_files, ClassNames, _form) = (files, classNames, form);
        _labels = [.. files.Select(f => labels[f.Class])];
    }

    public int Count => _labels.Length;

    public int Channels => _form.Channels;

    public int Height => _form.Height;

    public int Width => _form.Width;

    public IReadOnlyList<string> ClassNames { get; }

    public bool DecodesOnRead => true;

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

        if (_form.Shorter == 0)
        {
            throw new ImageSizeException(
                $"{file.Where}: {header.Width}x{header.Height} pixels, expected {Width}x{Height} as {_form.ExpectedBy}; data.size=N brings all to NxN");
        }

        ImageResizer.Centre(Decoded(bytes, file, header), Channels, header.Height, header.Width, _form.Shorter, Height, chw);
    }

    public ImageBox ReadPart(int index, Func<int, int, ImageBox> choose, Span<byte> chw)
    {
        var file = _files[index];
        byte[] bytes = file.Bytes();
        var header = ImageHeader.Read(bytes, file.Where);
        var box = choose(header.Height, header.Width);
        ImageResizer.Part(Decoded(bytes, file, header), Channels, header.Height, header.Width, box, Height, Width, chw);
        return box;
    }

    /// <summary>Decodes all images, on several threads, into memory.</summary>
    /// <param name="threads">Threads; 0 for all processors.</param>
    /// <param name="unreadable">Receives what is wrong with images that cannot be decoded, which are left out; null makes the first one an error.</param>
    /// <exception cref="DataFormatException">Of all images that cannot be decoded the first one is told.</exception>
    public InMemoryImageDataset Decoded(int threads, List<string>? unreadable)
    {
        int size = _form.Bytes;
        var pixels = new byte[(long)Count * size];
        var good = Tried(threads, unreadable, (index, _) => Read(index, pixels.AsSpan(index * size, size)));
        for (int i = 0; i < good.Count; i++)
        {
            if (good[i] != i)
            {
                pixels.AsSpan(good[i] * size, size).CopyTo(pixels.AsSpan(i * size));
            }
        }

        return new InMemoryImageDataset(good.Count == Count ? pixels : pixels[..(good.Count * size)], [.. good.Select(i => _labels[i])], Channels, Height, Width, ClassNames);
    }

    /// <summary>The same without images that cannot be decoded, each of which is tried once.</summary>
    /// <inheritdoc cref="Decoded(int, List{string})" path="/param"/>
    public EncodedImageDataset Readable(int threads, List<string> unreadable)
    {
        var good = Tried(threads, unreadable, (index, scratch) => Read(index, scratch));
        return good.Count == Count ? this : new EncodedImageDataset([.. good.Select(i => _files[i])], ClassNames, _form);
    }

    // The images that an attempt does not fail on.
    private List<int> Tried(int threads, List<string>? unreadable, Action<int, byte[]> attempt)
    {
        var failures = new ConcurrentDictionary<long, DataFormatException>();
        var options = new ParallelOptions { MaxDegreeOfParallelism = threads > 0 ? threads : Environment.ProcessorCount };
        Parallel.For(0, Count, options, () => new byte[_form.Bytes], (index, state, scratch) =>
        {
            try
            {
                attempt(index, scratch);
            }
            catch (DataFormatException e)
            {
                failures[index] = e;
                if (unreadable is null || e is ImageSizeException)
                {
                    // All images before this one are still tried, so the first failure is the same one every time.
                    state.Break();
                }
            }

            return scratch;
        }, _ => { });
        var fatal = failures.Where(f => unreadable is null || f.Value is ImageSizeException).ToList();
        if (fatal.Count > 0)
        {
            throw new DataFormatException(fatal.MinBy(f => f.Key).Value.Message, fatal.MinBy(f => f.Key).Value);
        }

        unreadable?.AddRange(failures.OrderBy(f => f.Key).Select(f => f.Value.Message));
        return failures.Count < Count ? [.. Enumerable.Range(0, Count).Where(i => !failures.ContainsKey(i))]
            : throw new DataFormatException($"none of {Count} images can be decoded; {failures[0].Message}");
    }

    private byte[] Decoded(byte[] bytes, ImageFile file, ImageHeader header)
    {
        var pixels = new byte[Channels * header.Height * header.Width];
        ImageDecoder.Decode(bytes, file.Where, Channels, header, pixels);
        return pixels;
    }
}
