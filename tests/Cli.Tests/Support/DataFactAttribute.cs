namespace SmartFrz.Cli.Tests;

/// <summary>A test on data that are not part of the repository: skipped, saying so, where they are absent.</summary>
/// <remarks>
/// Paths are taken under the folder that the variable SMARTFRZ_DATA names, or else under <c>../shared/data</c> beside the repository;
/// a rooted path stands for itself.
/// </remarks>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class DataFactAttribute : FactAttribute
{
    public DataFactAttribute(params string[] paths)
    {
        string? missing = paths.Select(DataFolder.Path).FirstOrDefault(p => !File.Exists(p) && !Directory.Exists(p));
        if (missing is not null)
        {
            Skip = $"needs {missing}: set SMARTFRZ_DATA to the folder of the data, or install the package that brings it";
        }
    }
}

/// <summary>Where data outside the repository lie.</summary>
internal static class DataFolder
{
    public static string Path(string path)
    {
        string? named = Environment.GetEnvironmentVariable("SMARTFRZ_DATA");
        string root = string.IsNullOrEmpty(named) ? System.IO.Path.GetFullPath(System.IO.Path.Combine(Repository.Root, "..", "shared", "data")) : named;
        return System.IO.Path.Combine(root, path);
    }
}
