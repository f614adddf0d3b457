using SmartFrz.Nn.Options;

namespace SmartFrz.Nn.Data;

/// <summary>Options of every source of images.</summary>
public record ImageDataOptions
{
    /// <summary>The mean of each channel, as a share of 255, instead of the source's own.</summary>
    public IReadOnlyList<float>? Mean { get; init; }

    /// <summary>The standard deviation of each channel, as a share of 255, instead of the source's own.</summary>
    public IReadOnlyList<float>? Std { get; init; }

    /// <summary>
    /// Of training images the least share of the area that a part has, drawn at random and scaled to the size; 0 takes whole images, 0.08 is usual for ImageNet.
    /// </summary>
    /// <value>Default 0.</value>
    public double ResizedCrop { get; init; }

    /// <summary>The splits with these means and deviations where they are given.</summary>
    /// <exception cref="OptionException">Their number is not that of the channels, or an option is out of range.</exception>
    internal ImageSplits Over(ImageSplits splits)
    {
        if (!(ResizedCrop >= 0 && ResizedCrop <= 1))
        {
            throw new OptionException(FormattableString.Invariant($"option 'data.resized_crop' is {ResizedCrop}, expected 0 to 1"));
        }

        Check("data.mean", Mean, splits.Train.Channels);
        Check("data.std", Std, splits.Train.Channels);
        return splits with { Mean = Mean ?? splits.Mean, Deviation = Std ?? splits.Deviation, ResizedCrop = ResizedCrop };
    }

    private static void Check(string key, IReadOnlyList<float>? values, int channels)
    {
        if (values is not null && values.Count != channels)
        {
            throw new OptionException($"option '{key}' has {values.Count} values, the images have {channels} channel{(channels == 1 ? "" : "s")}");
        }
    }
}
