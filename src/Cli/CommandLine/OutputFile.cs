using SmartFrz.Freeze;
using SmartFrz.Nn.Options;

namespace SmartFrz.Cli;

/// <summary>A file that a command writes when all is computed.</summary>
internal static class OutputFile
{
    /// <summary>Finds out before the work whether it can be written; its directory is made.</summary>
    /// <exception cref="OptionException">It cannot.</exception>
    public static string Prepare(string path)
    {
        string full = Path.GetFullPath(path);
        if (path.Length == 0 || Path.EndsInDirectorySeparator(path) || Directory.Exists(full))
        {
            throw new OptionException($"output '{path}' is a directory, expected a file");
        }

        RunDirectory.EnsureWritable(Path.GetDirectoryName(full)!);
        return full;
    }
}
