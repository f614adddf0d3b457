namespace SmartFrz.Nn.Data;

/// <summary>CIFAR-10: 32x32 colour images of ten kinds of animals and vehicles.</summary>
/// <remarks>Source: Krizhevsky, "Learning multiple layers of features from tiny images" (2009).</remarks>
public static class Cifar10
{
    /// <summary>The classes' names.</summary>
    public static IReadOnlyList<string> ClassNames => CifarFormat.Cifar10.ClassNames;

    /// <summary>The mean of each channel of the training pixels, as a share of 255.</summary>
    public static IReadOnlyList<float> Mean { get; } = [0.4914f, 0.4822f, 0.4465f];

    /// <summary>Their standard deviation.</summary>
    public static IReadOnlyList<float> Deviation { get; } = [0.2470f, 0.2435f, 0.2616f];

    /// <summary>Reads a split of the official binary version.</summary>
    /// <param name="directory">The directory <c>cifar-10-batches-bin</c>, or the one that holds it.</param>
    /// <param name="train">The training split; else the test split.</param>
    /// <exception cref="DataFormatException">A file is missing, damaged, or of another version.</exception>
    public static InMemoryImageDataset Load(string directory, bool train) => CifarReader.Load(CifarFormat.Cifar10, directory, train);

    /// <summary>Reads one file of the binary version.</summary>
    /// <exception cref="DataFormatException">It is missing, damaged, or of another version.</exception>
    public static InMemoryImageDataset Read(string path) => CifarReader.Read(CifarFormat.Cifar10, path);
}
