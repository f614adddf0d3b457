using SmartFrz.Nn.Options;

namespace SmartFrz.Nn.Data;

/// <summary>How batches are made.</summary>
public sealed record BatchLoaderOptions
{
    /// <summary>Images of a batch.</summary>
    /// <value>Default 64.</value>
    public int BatchSize { get; init; } = 64;

    /// <summary>Whether each epoch has an order of its own.</summary>
    /// <value>Default true.</value>
    public bool Shuffle { get; init; } = true;

    /// <summary>Whether a last batch that is not full is left out.</summary>
    /// <value>Default true.</value>
    public bool DropLast { get; init; } = true;

    /// <summary>The seed of order and augmentation.</summary>
    /// <value>Default 0.</value>
    public ulong Seed { get; init; }

    /// <summary>Subtracted from each channel's pixels, which are 0..1; empty for nothing.</summary>
    public IReadOnlyList<float> Mean { get; init; } = [];

    /// <summary>Divides each channel's pixels; empty for one.</summary>
    public IReadOnlyList<float> Deviation { get; init; } = [];

    /// <summary>Black pixels padded on each side before a crop of the image's size at a random place; 0 for none.</summary>
    /// <value>Default 0.</value>
    public int CropPadding { get; init; }

    /// <summary>Whether images are mirrored left to right with probability one half.</summary>
    /// <value>Default false.</value>
    public bool Flip { get; init; }

    /// <summary>
    /// The least share of an image's area that a part of it has, drawn at random and scaled to the image's size; 0 takes whole images. Sides are as 3:4 to 4:3.
    /// </summary>
    /// <value>Default 0.</value>
    public double ResizedCrop { get; init; }

    /// <summary>Batches prepared ahead on a background thread; 0 makes them when asked.</summary>
    /// <value>Default 2.</value>
    public int Prefetch { get; init; } = 2;

    /// <summary>Threads that fill one batch together: worth more than one where images are decoded on demand.</summary>
    /// <value>Default 1.</value>
    public int Workers { get; init; } = 1;

    // The first thing that is wrong with these options for that data.
    internal void Check(IImageDataset data)
    {
        Between("batch size", BatchSize, 1, int.MaxValue);
        Between("crop padding", CropPadding, 0, Augmentation.LargestShift);
        if (!(ResizedCrop >= 0 && ResizedCrop <= 1))
        {
            throw new OptionException(FormattableString.Invariant($"least share of a random crop {ResizedCrop}, expected 0 to 1"));
        }

        if (ResizedCrop > 0 && CropPadding > 0)
        {
            throw new OptionException("random parts of images and crops after padding exclude each other: only one may be asked for");
        }

        Between("prefetch depth", Prefetch, 0, 1024);
        Between("number of loader threads", Workers, 1, 1024);
        Fits("means", Mean, data.Channels);
        Fits("standard deviations", Deviation, data.Channels);
        if (Deviation.Any(d => !(d > 0) || !float.IsFinite(d)))
        {
            throw new OptionException(FormattableString.Invariant($"standard deviation {Deviation.First(d => !(d > 0) || !float.IsFinite(d))}, expected a positive number"));
        }

        if (Mean.Any(m => !float.IsFinite(m)))
        {
            throw new OptionException("a mean is not a finite number");
        }

        if (DropLast && data.Count < BatchSize)
        {
            throw new OptionException($"a batch of {BatchSize} images cannot be cut from a data set of {data.Count}, and batches that are not full are left out");
        }

        long values = (long)BatchSize * data.Channels * data.Height * data.Width;
        if (values > Array.MaxLength)
        {
            throw new OptionException($"a batch of {BatchSize} images of {data.Channels}x{data.Height}x{data.Width} has {values} values, at most {Array.MaxLength} fit");
        }
    }

    private static void Between(string what, int value, int least, int most)
    {
        if (value < least || value > most)
        {
            throw new OptionException(most == int.MaxValue ? $"{what} {value}, expected at least {least}" : $"{what} {value}, expected {least} to {most}");
        }
    }

    private static void Fits(string what, IReadOnlyList<float> values, int channels)
    {
        if (values.Count != 0 && values.Count != channels)
        {
            throw new OptionException($"{values.Count} {what} given, the images have {channels} channel{(channels == 1 ? "" : "s")}");
        }
    }
}
