namespace SmartFrz.Nn.Tests.Training;

/// <summary>A directory of a test's own.</summary>
internal sealed class Scratch : IDisposable
{
    public string Root { get; } = Directory.CreateTempSubdirectory("smartfrz-").FullName;

    public string this[string name] => Path.Combine(Root, name);

    public string[] Files() => [.. Directory.EnumerateFiles(Root).Select(f => Path.GetFileName(f)!).Order(StringComparer.Ordinal)];

    public void Dispose() => Directory.Delete(Root, recursive: true);
}
