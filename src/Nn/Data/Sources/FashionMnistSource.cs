using SmartFrz.Nn.Options;

namespace SmartFrz.Nn.Data;

/// <summary>Options of <see cref="FashionMnistSource"/>.</summary>
public sealed record FashionMnistOptions : ImageDataOptions
{
    /// <summary>
    /// Where no directory is given, whether the full files that Debian's package dataset-fashion-mnist installs are read instead of the
    /// embedded subset.
    /// </summary>
    /// <value>Default false: what a program trains on does not depend on the machine.</value>
    public bool Full { get; init; }
}

/// <summary>Fashion-MNIST from a directory, or the subset that travels with the program.</summary>
public sealed class FashionMnistSource : ImageSource<FashionMnistOptions>
{
    /// <summary>Where Debian's package dataset-fashion-mnist puts the full files.</summary>
    public const string DebianDirectory = "/usr/share/datasets/fashion-mnist";

    /// <inheritdoc/>
    public override string Name => "fashion-mnist";

    /// <inheritdoc/>
    public override string Description => "28x28 grey images of ten kinds of clothing; embedded subset, or the official files in a directory";

    /// <inheritdoc/>
    protected override ImageSplits OpenImages(DataOptions request, FashionMnistOptions options)
    {
        string? directory = request.Directory;
        if (directory is null && options.Full)
        {
            directory = Directory.Exists(DebianDirectory) ? DebianDirectory
                : throw new DataFormatException(
                    $"{DebianDirectory}: there is no such directory; install the package dataset-fashion-mnist or give the directory of the official files");
        }

        if (directory is not null)
        {
            return Splits(FashionMnist.Load(directory, train: true), FashionMnist.Load(directory, train: false));
        }

        var embedded = request.Embedded ?? throw new OptionException($"data '{Name}' needs a directory: no data travel with this program");
        return Splits(FashionMnist.Load(OpenEmbedded, train: true), FashionMnist.Load(OpenEmbedded, train: false));

        Stream? OpenEmbedded(string file) => embedded($"{Name}/{file}");
    }

    private static ImageSplits Splits(IImageDataset train, IImageDataset test) => new(train, test, [FashionMnist.Mean], [FashionMnist.Deviation]);
}
