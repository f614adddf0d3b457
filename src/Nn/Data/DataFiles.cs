namespace SmartFrz.Nn.Data;

/// <summary>Opens the files of data sets, with one clear line where there is none.</summary>
internal static class DataFiles
{
    /// <summary>Opens a file for reading from beginning to end.</summary>
    /// <exception cref="DataFormatException">It is missing or may not be read.</exception>
    public static FileStream Open(string path)
    {
        try
        {
            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16, FileOptions.SequentialScan);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new DataFormatException($"{path}: there is no such file", e);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new DataFormatException(Directory.Exists(path) ? $"{path}: a directory, expected a file" : $"{path}: may not be read", e);
        }
    }

    /// <summary>What a directory holds, for messages: "it holds a, b, c and 4 more".</summary>
    public static string Describe(string directory)
    {
        if (!Directory.Exists(directory))
        {
            return File.Exists(directory) ? "that is a file" : "there is no such directory";
        }

        string[] names;
        try
        {
            names = [.. Directory.EnumerateFileSystemEntries(directory).Select(p => Path.GetFileName(p)!).Order(StringComparer.Ordinal)];
        }
        catch (UnauthorizedAccessException)
        {
            return "it may not be read";
        }

        const int shown = 6;
        return names.Length == 0 ? "it is empty"
            : $"it holds {string.Join(", ", names.Take(shown))}{(names.Length > shown ? $" and {names.Length - shown} more" : "")}";
    }
}
