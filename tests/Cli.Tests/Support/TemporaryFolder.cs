namespace SmartFrz.Cli.Tests;

/// <summary>An empty folder, gone with all it holds when disposed.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Root { get; } = Directory.CreateTempSubdirectory("smartfrz-test-").FullName;

    public string this[string name] => Path.Combine(Root, name);

    /// <summary>Writes a file, its folders too, and answers its path.</summary>
    public string Write(string name, byte[] bytes)
    {
        string path = this[name];
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, bytes);
        return path;
    }

    public void Dispose() => Directory.Delete(Root, recursive: true);
}
