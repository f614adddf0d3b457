namespace SmartFrz.Nn.Weights;

/// <summary>Writes files so that a reader finds the old one whole or the new one whole, whatever happens in between.</summary>
/// <remarks>
/// Computes: the bytes go to a temporary file in the same directory, from there to the disk, and only then the file takes its name. A
/// process that is killed leaves at most the temporary file, <c>.NAME.N.tmp</c>. A link is followed: the file that it names is replaced.
/// </remarks>
public static class AtomicFile
{
    // More leftovers of killed processes than this are not a matter of chance.
    private const int MostLeftovers = 10_000;

    // EEXIST, ERROR_FILE_EXISTS.
    private const int UnixFileExists = 17, WindowsFileExists = unchecked((int)0x80070050);

    /// <summary>Writes a file.</summary>
    /// <param name="path">The file; its directory must exist.</param>
    /// <param name="write">Writes the bytes. The stream can seek.</param>
    /// <remarks>On failure, that of <paramref name="write"/> included, nothing is left behind and an old file is as it was.</remarks>
    /// <exception cref="IOException">The disk is full, the directory missing, or the like.</exception>
    /// <exception cref="UnauthorizedAccessException">The directory may not be written.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(write);
        var file = new FileInfo(path);
        string target = file.LinkTarget is null ? file.FullName : file.ResolveLinkTarget(returnFinalTarget: true)!.FullName;
        if (Directory.Exists(target))
        {
            throw new IOException($"{path}: a directory, expected a file");
        }

        var stream = CreateBeside(target, out string temporary);
        try
        {
            using (stream)
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, target, overwrite: true);
        }
        catch
        {
            TryDelete(temporary);
            throw;
        }
    }

    /// <summary>Writes a file of these bytes.</summary>
    /// <inheritdoc cref="Write" path="/exception"/>
    public static void WriteAllBytes(string path, ReadOnlySpan<byte> bytes)
    {
        byte[] copy = bytes.ToArray();
        Write(path, stream => stream.Write(copy));
    }

    /// <summary>Writes a file of this text, in UTF-8 without a mark.</summary>
    /// <inheritdoc cref="Write" path="/exception"/>
    public static void WriteAllText(string path, string text)
    {
        byte[] bytes = System.Text.Encoding.UTF8.GetBytes(text);
        Write(path, stream => stream.Write(bytes));
    }

    private static FileStream CreateBeside(string target, out string temporary)
    {
        string directory = Path.GetDirectoryName(target)!, name = Path.GetFileName(target);
        for (int i = 0; ; i++)
        {
            temporary = Path.Combine(directory, FormattableString.Invariant($".{name}.{i}.tmp"));
            try
            {
                return new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1 << 16);
            }
            catch (IOException e) when ((e.HResult is UnixFileExists or WindowsFileExists) && i < MostLeftovers)
            {
                // Another writer's, or the leftover of one that was killed: not ours to touch.
            }
        }
    }

    private static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The failure that brought us here is the one to tell.
        }
    }
}
