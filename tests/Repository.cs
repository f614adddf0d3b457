using System.Xml.Linq;

namespace SmartFrz;

/// <summary>The source tree that the tests were built from. Compiled into every test project.</summary>
internal static class Repository
{
    /// <summary>The folder that holds SmartFrz.sln.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>The names of what a project file includes as <paramref name="item"/>, sorted; paths become bare project names.</summary>
    public static string[] ItemsOf(string projectPath, string item)
    {
        var document = XDocument.Load(Path.Combine(Root, projectPath));
        return [.. document.Descendants(item)
            .Select(element => (string?)element.Attribute("Include"))
            .OfType<string>()
            .Select(include => item == "ProjectReference" ? Path.GetFileNameWithoutExtension(include.Replace('\\', '/')) : include)
            .Order(StringComparer.Ordinal)];
    }

    /// <summary>All files under a folder whose name matches a pattern, build outputs left out.</summary>
    public static IEnumerable<string> FilesUnder(string folder, string pattern) =>
        Directory.EnumerateFiles(Path.Combine(Root, folder), pattern, SearchOption.AllDirectories)
            .Where(path => !Path.GetRelativePath(Root, path).Split(Path.DirectorySeparatorChar).Any(part => part is "bin" or "obj"));

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "SmartFrz.sln")))
            {
                return folder.FullName;
            }
        }

        throw new DirectoryNotFoundException($"No folder above {AppContext.BaseDirectory} holds SmartFrz.sln.");
    }
}
