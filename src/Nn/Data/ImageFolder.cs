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
        directory = ImageSplit.Root(directory, TrainWords);
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

        var form = FormOf(options, train.Files);
        bool grey = options.Channels == 1;
        return new ImageSplits(Load(trainPath, train.Files, whole: true), Load(testPath, test.Files, whole: false), grey ? GreyMean : ColourMean, grey ? GreyDeviation : ColourDeviation)
        {
            Notes = notes,
            Threads = threads,
        };

        IImageDataset Load(string path, IReadOnlyList<ImageFile> files, bool whole)
        {
            var encoded = new EncodedImageDataset(files, train.Split.Classes, form);
            var unreadable = options.SkipUnreadable ? new List<string>() : null;
            // Random parts are taken of images as they are stored.
            bool keep = (long)files.Count * form.Bytes <= Math.Min((long)options.Memory << 20, Array.MaxLength) && !(whole && options.ResizedCrop > 0 && options.Size > 0);
            IImageDataset loaded = keep ? encoded.Decoded(threads, unreadable) : unreadable is null ? encoded : encoded.Readable(threads, unreadable);
            if (unreadable?.Count > 0)
            {
                notes.Add($"{path}: left out {unreadable.Count} of {files.Count} images that cannot be decoded: {Listed(unreadable)}");
            }

            return loaded;
        }
    }

    // The size that is asked for, or that of the first image that can be read.
    private static ImageForm FormOf(ImageFolderOptions options, IReadOnlyList<ImageFile> files)
    {
        if (options.Size > 0)
        {
            return new ImageForm(options.Channels, options.Size, options.Size, options.Resize == 0 ? options.Size : options.Resize, "data.size says");
        }

        for (int i = 0; ; i++)
        {
            try
            {
                var (width, height) = ImageHeader.Read(files[i].Bytes(), files[i].Where);
                return new ImageForm(options.Channels, height, width, 0, files[i].Where);
            }
            catch (DataFormatException) when (options.SkipUnreadable && i + 1 < files.Count)
            {
                // Left out, and counted, when all are decoded.
            }
        }
    }

    private static void Check(ImageFolderOptions options)
    {
        const int largest = 8192;
        if (options.Size is < 0 or > largest)
        {
            throw new OptionException($"option 'data.size' is {options.Size}, expected 0 to {largest}");
        }

        if (options.Resize is not 0 && (options.Resize < options.Size || options.Resize > largest || options.Size == 0))
        {
            throw new OptionException(options.Size == 0
                ? "option 'data.resize' says what images are scaled to before they are cut, and needs data.size for the cut"
                : $"option 'data.resize' is {options.Resize}, expected {options.Size} (data.size) to {largest}");
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
