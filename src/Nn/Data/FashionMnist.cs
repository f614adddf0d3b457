namespace SmartFrz.Nn.Data;

/// <summary>Fashion-MNIST: 28x28 grey images of ten kinds of clothing.</summary>
/// <remarks>Source: Xiao, Rasul, Vollgraf, "Fashion-MNIST" (arXiv 1708.07747); MIT licence, Zalando SE.</remarks>
public static class FashionMnist
{
    /// <summary>The mean of the training pixels, as a share of 255.</summary>
    public const float Mean = 0.2860f;

    /// <summary>Their standard deviation, as a share of 255.</summary>
    public const float Deviation = 0.3530f;

    /// <summary>The classes' names.</summary>
    public static IReadOnlyList<string> ClassNames { get; } =
        ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"];

    /// <summary>Reads a split from the official files in a directory, plain or gzip.</summary>
    /// <param name="directory">The directory.</param>
    /// <param name="train">The training split; else the test split.</param>
    /// <exception cref="DataFormatException">A file is missing or damaged.</exception>
    public static InMemoryImageDataset Load(string directory, bool train)
    {
        string images = Find(directory, ImagesFile(train)), labels = Find(directory, LabelsFile(train));
        using var imageStream = DataFiles.Open(images);
        using var labelStream = DataFiles.Open(labels);
        return Load(imageStream, images, labelStream, labels);
    }

    /// <summary>Reads a split from two streams, which stay open.</summary>
    /// <param name="images">The image file's bytes, plain or gzip.</param>
    /// <param name="imagesName">What messages call it.</param>
    /// <param name="labels">The label file's bytes, plain or gzip.</param>
    /// <param name="labelsName">What messages call it.</param>
    /// <exception cref="DataFormatException">A stream is damaged, or the two do not belong together.</exception>
    public static InMemoryImageDataset Load(Stream images, string imagesName, Stream labels, string labelsName) =>
        IdxReader.ReadDataset(images, imagesName, labels, labelsName, ClassNames);

    /// <summary>Reads a split from streams that are found by the official file names, with or without <c>.gz</c>.</summary>
    /// <param name="open">Opens a stream by name, or answers null.</param>
    /// <param name="train">The training split; else the test split.</param>
    /// <exception cref="DataFormatException">A stream is missing or damaged.</exception>
    public static InMemoryImageDataset Load(Func<string, Stream?> open, bool train)
    {
        ArgumentNullException.ThrowIfNull(open);
        using var images = OpenEither(ImagesFile(train), out string imagesName);
        using var labels = OpenEither(LabelsFile(train), out string labelsName);
        return Load(images, imagesName, labels, labelsName);

        Stream OpenEither(string file, out string name) =>
            open(name = file + ".gz") ?? open(name = file)
            ?? throw new DataFormatException($"Fashion-MNIST: no embedded {file} or {file}.gz; give the directory of the official files");
    }

    private static string ImagesFile(bool train) => train ? "train-images-idx3-ubyte" : "t10k-images-idx3-ubyte";

    private static string LabelsFile(bool train) => train ? "train-labels-idx1-ubyte" : "t10k-labels-idx1-ubyte";

    private static string Find(string directory, string file)
    {
        string plain = Path.Combine(directory, file), packed = plain + ".gz";
        return File.Exists(plain) ? plain : File.Exists(packed) ? packed
            : throw new DataFormatException($"{directory}: Fashion-MNIST needs {file} or {file}.gz there; {DataFiles.Describe(directory)}");
    }
}
