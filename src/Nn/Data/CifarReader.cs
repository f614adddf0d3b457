namespace SmartFrz.Nn.Data;

/// <summary>Reads the official binary files of CIFAR-10 and CIFAR-100.</summary>
/// <remarks>
/// Format: records one after another: the label (CIFAR-100: the coarse label, then the fine one, which is taken), then 1024 bytes each of
/// red, green and blue, row by row.
/// Memory: the size of the files.
/// </remarks>
internal static class CifarReader
{
    /// <summary>Reads a split from the directory of the files, or from the one above it.</summary>
    /// <exception cref="DataFormatException">A file is missing, damaged, or of another version.</exception>
    public static InMemoryImageDataset Load(CifarFormat format, string directory, bool train)
    {
        string folder = Find(format, directory);
        string[] files = train ? format.TrainFiles : [format.TestFile];
        string[] missing = [.. files.Where(f => !File.Exists(Path.Combine(folder, f)))];
        if (missing.Length > 0)
        {
            throw new DataFormatException($"{folder}: {format.Name} needs {string.Join(", ", missing)} there; {DataFiles.Describe(folder)}");
        }

        return Read(format, [.. files.Select(f => Path.Combine(folder, f))]);
    }

    /// <summary>Reads files one after another.</summary>
    /// <exception cref="DataFormatException">A file is missing, damaged, or of another version.</exception>
    public static InMemoryImageDataset Read(CifarFormat format, params IReadOnlyList<string> paths)
    {
        var streams = new List<Stream>();
        try
        {
            streams.AddRange(paths.Select(DataFiles.Open));
            return Read(format, paths, streams);
        }
        finally
        {
            streams.ForEach(s => s.Dispose());
        }
    }

    /// <summary>Reads streams that tell their lengths one after another; they stay open.</summary>
    /// <param name="format">Which data set it is.</param>
    /// <param name="names">What messages call them.</param>
    /// <param name="streams">The files' bytes.</param>
    /// <exception cref="DataFormatException">A file is damaged, or of another version.</exception>
    public static InMemoryImageDataset Read(CifarFormat format, IReadOnlyList<string> names, IReadOnlyList<Stream> streams)
    {
        for (int i = 0; i < streams.Count; i++)
        {
            CheckLength(format, names[i], streams[i].Length);
        }

        long count = streams.Sum(s => s.Length / format.RecordBytes);
        if (count * CifarFormat.PixelBytes > Array.MaxLength)
        {
            throw new DataFormatException($"{names[0]}: {count} images, at most {Array.MaxLength / CifarFormat.PixelBytes} are read");
        }

        var pixels = new byte[count * CifarFormat.PixelBytes];
        var labels = new int[count];
        int at = 0;
        for (int i = 0; i < streams.Count; i++)
        {
            at = ReadRecords(format, names[i], streams[i], pixels, labels, at);
        }

        return new InMemoryImageDataset(pixels, labels, CifarFormat.Channels, CifarFormat.Size, CifarFormat.Size, format.ClassNames);
    }

    private static int ReadRecords(CifarFormat format, string path, Stream stream, byte[] pixels, int[] labels, int at)
    {
        var record = new byte[format.RecordBytes];
        for (long left = stream.Length / record.Length; left > 0; left--, at++)
        {
            if (stream.ReadAtLeast(record, record.Length, throwOnEndOfStream: false) < record.Length)
            {
                throw new DataFormatException($"{path}: the file ended while it was read, it was longer when it was opened");
            }

            int label = record[format.LabelBytes - 1];
            if (label >= format.ClassNames.Length)
            {
                throw new DataFormatException(
                    $"{path}: record {(stream.Position / record.Length) - 1} has label {label}, {format.Name} has {format.ClassNames.Length} classes");
            }

            labels[at] = label;
            record.AsSpan(format.LabelBytes).CopyTo(pixels.AsSpan(at * CifarFormat.PixelBytes));
        }

        return at;
    }

    private static void CheckLength(CifarFormat format, string path, long length)
    {
        if (length > 0 && length % format.RecordBytes == 0)
        {
            return;
        }

        string records = $"records of {format.RecordBytes} bytes ({format.LabelBytes} of labels, {CifarFormat.PixelBytes} of pixels)";
        string found = length > 0 && length % format.Other.RecordBytes == 0
            ? $"{length} bytes, a multiple of {format.Other.RecordBytes}: that is {format.Other.Name}"
            : $"{length} bytes";
        throw new DataFormatException($"{path}: {found}; {format.Name} has {records}");
    }

    private static string Find(CifarFormat format, string directory)
    {
        string inside = Path.Combine(directory, format.Folder);
        if (Holds(directory, format))
        {
            return directory;
        }

        if (Directory.Exists(inside))
        {
            return inside;
        }

        var other = format.Other;
        string needs = $"{format.Name} needs the binary version, {format.Folder} with {format.TrainFiles[0]}";
        string found =
            Holds(directory, other) || Directory.Exists(Path.Combine(directory, other.Folder)) ? $"that is {other.Name}, read by '{other.Source}'"
            : HoldsPython(directory, format) ? $"that is the Python version, {format.PythonFolder}; unpack {format.Archive} instead"
            : File.Exists(Path.Combine(directory, format.Archive)) ? $"{format.Archive} is there: unpack it"
            : DataFiles.Describe(directory);
        throw new DataFormatException($"{directory}: {needs}; {found}");
    }

    private static bool Holds(string directory, CifarFormat format) =>
        format.TrainFiles.Append(format.TestFile).Any(f => File.Exists(Path.Combine(directory, f)));

    // The folder above, the folder itself, or its files: those of the Python version have no ending.
    private static bool HoldsPython(string directory, CifarFormat format) =>
        Directory.Exists(Path.Combine(directory, format.PythonFolder))
        || format.TrainFiles.Append(format.TestFile).Any(f => File.Exists(Path.Combine(directory, Path.GetFileNameWithoutExtension(f))));
}
