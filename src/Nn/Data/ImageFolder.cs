using SmartFrz.Nn.Options;

namespace SmartFrz.Nn.Data;

/// <summary>Data sets of JPEG and PNG files, a folder for each class, in directories or archives.</summary>
/// <remarks>
/// Format: a directory with the splits <c>train</c> and <c>test</c> (or <c>val</c>): folders with CLASS/FILE, or archives (.tar, .tar.gz,
/// .tgz, .zip) with that word in their names and entries CLASS/FILE. Classes are numbered in ordinal order of their names, images
/// stand by class and name. Hidden files and what operating systems leave behind are passed over in silence, other files with a note.
/// Memory: an archive's images are held packed; decoded ones up to <see cref="ImageFolderOptions.Memory"/>.
/// </remarks>
public static class ImageFolder
{
    private static readonly string[] TrainWords = ["train"], TestWords = ["test", "val", "valid", "validation"];

    // Mean and deviation of ImageNet's training pixels, the usual choice for colour photographs; their grey equivalents.
    private static readonly float[] ColourMean = [0.485f, 0.456f, 0.406f], ColourDeviation = [0.229f, 0.224f, 0.225f];
    private static readonly float[] GreyMean = [0.449f], GreyDeviation = [0.226f];

    /// <summary>Opens both splits.</summary>
    /// <param name="directory">The directory that holds them.</param>
    /// <param name="options">Size, channels, memory.</param>
    /// <param name="limitTrain">Takes that many training images, evenly spread over the whole (and so over the classes); null for all.</param>
    /// <param name="limitTest">Takes that many test images, evenly spread; null for all.</param>
    /// <param name="threads">Threads that decode; 0 for all processors.</param>
    /// <exception cref="OptionException">An option is out of range.</exception>
    /// <exception cref="DataFormatException">A split is missing or damaged, an image cannot be read or has another size.</exception>
    public static ImageSplits Open(string directory, ImageFolderOptions options, int? limitTrain = null, int? limitTest = null, int threads = 0)
    {
        ArgumentNullException.ThrowIfNull(options);
        Check(options);
        ArgumentOutOfRangeException.ThrowIfLessThan(limitTrain ?? 1, 1, nameof(limitTrain));
        ArgumentOutOfRangeException.ThrowIfLessThan(limitTest ?? 1, 1, nameof(limitTest));
        var notes = new List<string>();
        var (trainPath, _) = ImageSplit.Find(directory, TrainWords);
        var (testPath, word) = ImageSplit.Find(directory, TestWords, not: TrainWords[0]);
        if (word != TestWords[0])
        {
            notes.Add($"tested on {testPath}: there is no split {TestWords[0]}");
        }

        var train = Opened(trainPath, limitTrain, notes);
        var test = Opened(testPath, limitTest, notes);
        string? unknown = test.Split.Classes.FirstOrDefault(c => !train.Split.Classes.Contains(c, StringComparer.Ordinal));
        if (unknown is not null)
        {
            throw new DataFormatException($"{testPath}: class '{unknown}' is not in {trainPath}, which has {Listed(train.Split.Classes)}");
        }

        int height = options.Size, width = options.Size;
        string expectedBy = "data.size says";
        if (options.Size == 0)
        {
            var first = train.Files[0];
            (width, height) = ImageHeader.Read(first.Bytes(), first.Where);
            expectedBy = first.Where;
        }

        IImageDataset Load(IReadOnlyList<ImageFile> files)
        {
            var encoded = new EncodedImageDataset(files, train.Split.Classes, options.Channels, height, width, options.Size > 0, expectedBy);
            long bytes = (long)files.Count * options.Channels * height * width;
            return bytes <= Math.Min((long)options.Memory << 20, Array.MaxLength) ? encoded.Decoded(threads) : encoded;
        }

        bool grey = options.Channels == 1;
        return new ImageSplits(Load(train.Files), Load(test.Files), grey ? GreyMean : ColourMean, grey ? GreyDeviation : ColourDeviation) { Notes = notes };
    }

    private static void Check(ImageFolderOptions options)
    {
        const int largest = 8192;
        if (options.Size is < 0 or > largest)
        {
            throw new OptionException($"option 'data.size' is {options.Size}, expected 0 to {largest}");
        }

        if (options.Channels is not (1 or 3))
        {
            throw new OptionException($"option 'data.channels' is {options.Channels}, expected 1 or 3");
        }

        if (options.Memory < 0)
        {
            throw new OptionException($"option 'data.memory' is {options.Memory}, expected at least 0");
        }
    }

    private static (ImageSplit Split, IReadOnlyList<ImageFile> Files) Opened(string path, int? limit, List<string> notes)
    {
        var split = ImageSplit.Open(path);
        if (split.Skipped.Count > 0)
        {
            string files = split.Skipped.Count == 1 ? "1 file that is" : $"{split.Skipped.Count} files that are";
            notes.Add($"{path}: passed over {files} neither JPEG nor PNG: {Listed(split.Skipped)}");
        }

        int count = split.Files.Count;
        return limit is { } most && most < count
            ? (split, [.. Enumerable.Range(0, most).Select(i => split.Files[(int)((long)i * count / most)])])
            : (split, split.Files);
    }

    private static string Listed(IReadOnlyList<string> names)
    {
        const int shown = 5;
        return string.Join(", ", names.Take(shown)) + (names.Count > shown ? $" and {names.Count - shown} more" : "");
    }
}
