namespace SmartFrz.Nn.Data;

/// <summary>An image of a data set: its class, its name, and its bytes or where they lie.</summary>
/// <param name="Class">The name of its class.</param>
/// <param name="Name">Its path within the class, with <c>/</c>.</param>
/// <param name="Where">What messages call it.</param>
/// <param name="Packed">Its bytes; null for a file that <paramref name="Where"/> names.</param>
internal sealed record ImageFile(string Class, string Name, string Where, byte[]? Packed)
{
    // Above every photograph; a file is read whole.
    private const long LargestBytes = 1L << 28;

    /// <summary>Its bytes.</summary>
    /// <exception cref="DataFormatException">The file is missing, too large, or may not be read.</exception>
    public byte[] Bytes()
    {
        if (Packed is not null)
        {
            return Packed;
        }

        using var file = DataFiles.Open(Where);
        CheckLength(file.Length, Where);
        var bytes = new byte[file.Length];
        return file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false) == bytes.Length ? bytes
            : throw new DataFormatException($"{Where}: the file ended while it was read, it was longer when it was opened");
    }

    /// <summary>Refuses what is too large for an image.</summary>
    public static void CheckLength(long bytes, string where)
    {
        if (bytes > LargestBytes)
        {
            throw new DataFormatException($"{where}: {bytes} bytes, images of at most {LargestBytes} are read");
        }
    }

    /// <summary>Whether the ending of a name is that of an image that is read.</summary>
    public static bool IsImage(string name) =>
        Path.GetExtension(name).ToLowerInvariant() is ".jpg" or ".jpeg" or ".png";

    /// <summary>Whether a path is of what operating systems leave behind: hidden files, folders of resource forks, thumbnails.</summary>
    public static bool IsJunk(string path) =>
        path.Split('/').Any(part => (part.StartsWith('.') && part is not ("." or "..")) || part is "__MACOSX" or "Thumbs.db" or "desktop.ini");
}
