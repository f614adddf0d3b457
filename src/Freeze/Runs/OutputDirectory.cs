using SmartFrz.Nn.Options;

namespace SmartFrz.Freeze;

/// <summary>
/// A directory that results are to be written to: made and tried before anything is computed, and gone again when nothing was
/// written.
/// </summary>
public sealed class OutputDirectory : IDisposable
{
    // The outermost first.
    private readonly List<string> _made = [];

    /// <summary>Makes the directory where it is missing and writes a probe, so that a full or unwritable disk is found now.</summary>
    /// <exception cref="OptionException">It cannot be written; nothing is left behind then.</exception>
    public OutputDirectory(string path)
    {
        string full = Path.GetFullPath(path);
        try
        {
            Make(full);
            Probe(full);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Dispose();
            throw Unwritable(path, e);
        }
    }

    /// <summary>Removes those directories that were made and are still empty.</summary>
    public void Dispose()
    {
        try
        {
            for (; _made.Count > 0 && !Directory.EnumerateFileSystemEntries(_made[^1]).Any(); _made.RemoveAt(_made.Count - 1))
            {
                Directory.Delete(_made[^1]);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // An empty directory that stays does no harm, and there may be a failure on its way that is to be told.
        }

        _made.Clear();
    }

    internal static OptionException Unwritable(string path, Exception cause) => new($"output directory {path} cannot be written: {cause.Message}", cause);

    private void Make(string path)
    {
        if (Directory.Exists(path))
        {
            return;
        }

        if (Path.GetDirectoryName(path) is { } parent)
        {
            Make(parent);
        }

        Directory.CreateDirectory(path);
        _made.Add(path);
    }

    private static void Probe(string path)
    {
        string probe = Path.Combine(path, FormattableString.Invariant($".write-probe-{Environment.ProcessId}"));
        using var file = new FileStream(probe, new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, Options = FileOptions.DeleteOnClose });
        // A page: an empty file may be made even on a full disk.
        file.Write(new byte[4096]);
        file.Flush(flushToDisk: true);
    }
}
