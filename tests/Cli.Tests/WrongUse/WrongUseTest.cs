namespace SmartFrz.Cli.Tests;

/// <summary>Tests of command lines that are refused: one line, exit code 2, and every file as it was.</summary>
public abstract class WrongUseTest : Smartfrz, IDisposable
{
    internal TemporaryFolder Folder { get; } = new();

    /// <summary>Where output would go.</summary>
    protected string Out => Folder["new/out"];

    /// <summary>Runs a command line that is wrong use, and answers its message; the folder is as before.</summary>
    protected string RefusedWithoutTrace(params string[] arguments)
    {
        var before = Content();
        string message = Refused(arguments);
        Assert.Equal(before, Content());
        return message;
    }

    /// <summary>Refuses a small training run with these options beside.</summary>
    protected string TrainRefused(params string[] more) => RefusedWithoutTrace([.. Small.Train, "--out", Out, .. more]);

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Removes the folder.</summary>
    protected virtual void Dispose(bool disposing) => Folder.Dispose();

    // Every file with its bytes, every directory.
    private SortedDictionary<string, string> Content() => new(
        Directory.EnumerateFileSystemEntries(Folder.Root, "*", SearchOption.AllDirectories)
            .ToDictionary(p => p, p => Directory.Exists(p) ? "a directory" : Convert.ToHexString(File.ReadAllBytes(p))),
        StringComparer.Ordinal);
}
