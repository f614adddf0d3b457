using SmartFrz.Nn.Options;

namespace SmartFrz.Cli;

/// <summary>Where a run writes its files.</summary>
internal static class OutputDirectory
{
    /// <summary>Makes the directory and writes a probe into it, so that a full or unwritable disk is found before the first step.</summary>
    public static void EnsureWritable(string directory)
    {
        string probe = Path.Combine(directory, ".write-probe");
        try
        {
            Directory.CreateDirectory(directory);
            using (var file = new FileStream(probe, FileMode.Create, FileAccess.Write))
            {
                // A page: an empty file may be made even on a full disk.
                file.Write(new byte[4096]);
                file.Flush(flushToDisk: true);
            }

            File.Delete(probe);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new OptionException($"output directory {directory} cannot be written: {e.Message}", e);
        }
    }
}
