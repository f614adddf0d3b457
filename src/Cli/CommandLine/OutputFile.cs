using SmartFrz.Freeze;
using SmartFrz.Nn.Options;

namespace SmartFrz.Cli;

/// <summary>A file that a command writes when all is computed. Where the command fails before, its directory goes again if it was made for it.</summary>
internal sealed class OutputFile : IDisposable
{
    private readonly OutputDirectory _directory;

    /// <summary>Finds out before the work whether it can be written; its directory is made.</summary>
    /// <exception cref="OptionException">It cannot.</exception>
    public OutputFile(string path)
    {
        FullPath = Path.GetFullPath(path.Length == 0 ? "." : path);
        if (Path.EndsInDirectorySeparator(path) || Directory.Exists(FullPath))
        {
            throw new OptionException($"output '{path}' is a directory, expected a file");
        }

        _directory = new OutputDirectory(Path.GetDirectoryName(FullPath)!);
    }

    /// <summary>Its whole path.</summary>
    public string FullPath { get; }

    /// <inheritdoc/>
    public void Dispose() => _directory.Dispose();
}
