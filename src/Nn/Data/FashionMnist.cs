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
        string split = train ? "train" : "t10k";
        using var images = Open(directory, $"{split}-images-idx3-ubyte", out string imagesName);
        using var labels = Open(directory, $"{split}-labels-idx1-ubyte", out string labelsName);
        return Load(images, imagesName, labels, labelsName);
    }

    /// <summary>Reads a split from two streams.</summary>
    /// <exception cref="DataFormatException">A stream is damaged, or the two do not belong together.</exception>
    public static InMemoryImageDataset Load(Stream images, string imagesName, Stream labels, string labelsName)
    {
        var (count, rows, columns, pixels) = IdxReader.ReadImages(images, imagesName);
        byte[] classes = IdxReader.ReadLabels(labels, labelsName);
        if (classes.Length != count)
        {
            throw new DataFormatException($"{imagesName} has {count} images, {labelsName} has {classes.Length} labels");
        }

        return new InMemoryImageDataset(pixels, Array.ConvertAll(classes, c => (int)c), 1, rows, columns, ClassNames);
    }

    private static FileStream Open(string directory, string file, out string path)
    {
        foreach (string name in new[] { file, file + ".gz" })
        {
            path = Path.Combine(directory, name);
            if (File.Exists(path))
            {
                return File.OpenRead(path);
            }
        }

        string found = Directory.Exists(directory)
            ? $"it holds {string.Join(", ", Directory.EnumerateFileSystemEntries(directory).Select(Path.GetFileName).Order(StringComparer.Ordinal).Take(5).DefaultIfEmpty("nothing"))}"
            : "there is no such directory";
        throw new DataFormatException($"{directory}: Fashion-MNIST needs {file} or {file}.gz there; {found}");
    }
}
