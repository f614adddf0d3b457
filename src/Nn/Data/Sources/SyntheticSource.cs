using SmartFrz.Nn.Options;

namespace SmartFrz.Nn.Data;

/// <summary>Options of <see cref="SyntheticSource"/>.</summary>
public sealed record SyntheticOptions : ImageDataOptions
{
    /// <summary>Training images.</summary>
    /// <value>Default 2048.</value>
    public int Train { get; init; } = 2048;

    /// <summary>Test images.</summary>
    /// <value>Default 512.</value>
    public int Test { get; init; } = 512;

    /// <summary>Classes.</summary>
    /// <value>Default 10.</value>
    public int Classes { get; init; } = 10;

    /// <summary>Channels of an image.</summary>
    /// <value>Default 3.</value>
    public int Channels { get; init; } = 3;

    /// <summary>Rows and columns of an image.</summary>
    /// <value>Default 32.</value>
    public int Size { get; init; } = 32;

    /// <summary>The share of noise in a pixel, 0..1.</summary>
    /// <value>Default 0.75.</value>
    public double Noise { get; init; } = 0.75;

    /// <summary>The seed of patterns and noise: not that of the run, so that runs of several seeds see the same data.</summary>
    /// <value>Default 1.</value>
    public ulong Seed { get; init; } = 1;
}

/// <summary>Made-up images of any size: for benches, tests and first steps.</summary>
public sealed class SyntheticSource : ImageSource<SyntheticOptions>
{
    // Far above every use; keeps the values of an image and of a class inside an int.
    private const int Largest = 4096;

    /// <inheritdoc/>
    public override string Name => "synthetic";

    /// <inheritdoc/>
    public override string Description => "made-up images of any size: a pattern of each class under noise";

    /// <inheritdoc/>
    protected override ImageSplits OpenImages(DataOptions request, SyntheticOptions options)
    {
        Between("train", options.Train, int.MaxValue);
        Between("test", options.Test, int.MaxValue);
        Between("classes", options.Classes, Largest);
        Between("channels", options.Channels, Largest);
        Between("size", options.Size, Largest);
        if (!(options.Noise >= 0 && options.Noise <= 1))
        {
            throw new OptionException(FormattableString.Invariant($"option 'data.noise' is {options.Noise}, expected 0 to 1"));
        }

        long patterns = (long)options.Classes * options.Channels * options.Size * options.Size;
        if (patterns > Array.MaxLength)
        {
            throw new OptionException(
                $"{options.Classes} classes of {options.Channels}x{options.Size}x{options.Size} values need {patterns} bytes, at most {Array.MaxLength} are used");
        }

        float[] half = [.. Enumerable.Repeat(0.5f, options.Channels)];
        return new ImageSplits(Make(options.Train, 0), Make(options.Test, 1), half, [.. half.Select(_ => 0.25f)]);

        SyntheticDataset Make(int count, int split) =>
            new(count, options.Classes, options.Channels, options.Size, options.Size, options.Noise, options.Seed, split);
    }

    private static void Between(string key, int value, int most)
    {
        if (value < 1 || value > most)
        {
            throw new OptionException(most == int.MaxValue
                ? $"option 'data.{key}' is {value}, expected at least 1"
                : $"option 'data.{key}' is {value}, expected 1 to {most}");
        }
    }
}
