namespace SmartFrz.Nn.Data;

/// <summary>CIFAR-100: 32x32 colour images of a hundred kinds of things; the fine labels.</summary>
/// <remarks>Source: Krizhevsky, "Learning multiple layers of features from tiny images" (2009).</remarks>
public static class Cifar100
{
    /// <summary>The classes' names.</summary>
    public static IReadOnlyList<string> ClassNames => CifarFormat.Cifar100.ClassNames;

    /// <summary>The mean of each channel of the training pixels, as a share of 255.</summary>
    public static IReadOnlyList<float> Mean { get; } = [0.5071f, 0.4865f, 0.4409f];

    /// <summary>Their standard deviation.</summary>
    public static IReadOnlyList<float> Deviation { get; } = [0.2673f, 0.2564f, 0.2762f];

    /// <summary>Reads a split of the official binary version.</summary>
    /// <param name="directory">The directory <c>cifar-100-binary</c>, or the one that holds it.</param>
    /// <param name="train">The training split; else the test split.</param>
    /// <exception cref="DataFormatException">A file is missing, damaged, or of another version.</exception>
    public static InMemoryImageDataset Load(string directory, bool train) => CifarReader.Load(CifarFormat.Cifar100, directory, train);

    /// <summary>Reads one file of the binary version.</summary>
    /// <exception cref="DataFormatException">It is missing, damaged, or of another version.</exception>
    public static InMemoryImageDataset Read(string path) => CifarReader.Read(CifarFormat.Cifar100, path);
}
