using System.Text.RegularExpressions;

namespace SmartFrz.Kernels.Tests;

/// <summary>Kernels, Tensors, Nn, Freeze, Cli: each project refers to the one below it and to nothing above.</summary>
public sealed class ArchitectureTests
{
    [Theory]
    [InlineData("src/Kernels/SmartFrz.Kernels.csproj", null)]
    [InlineData("src/Tensor/SmartFrz.Tensors.csproj", "SmartFrz.Kernels")]
    [InlineData("src/Nn/SmartFrz.Nn.csproj", "SmartFrz.Tensors")]
    [InlineData("src/Freeze/SmartFrz.Freeze.csproj", "SmartFrz.Nn")]
    [InlineData("src/Cli/SmartFrz.Cli.csproj", "SmartFrz.Freeze")]
    public void A_project_refers_only_to_the_one_below_it(string project, string? below)
    {
        string[] expected = below is null ? [] : [below];

        Assert.Equal(expected, Repository.ItemsOf(project, "ProjectReference"));
    }

    [Fact]
    public void There_are_no_other_projects_under_src()
    {
        var names = Repository.FilesUnder("src", "*.csproj").Select(Path.GetFileNameWithoutExtension).Order(StringComparer.Ordinal);

        Assert.Equal(["SmartFrz.Cli", "SmartFrz.Freeze", "SmartFrz.Kernels", "SmartFrz.Nn", "SmartFrz.Tensors"], names);
    }

    [Fact]
    public void Only_Kernels_uses_ILGPU()
    {
        var usingIlgpu = new Regex(@"^\s*(global\s+)?using\s+(static\s+)?(\w+\s*=\s*)?(global::)?ILGPU\b", RegexOptions.Multiline);
        var kernels = Path.Combine(Repository.Root, "src", "Kernels") + Path.DirectorySeparatorChar;

        var offenders = Repository.FilesUnder("src", "*.cs")
            .Where(path => !path.StartsWith(kernels, StringComparison.Ordinal) && usingIlgpu.IsMatch(File.ReadAllText(path)))
            .Select(path => Path.GetRelativePath(Repository.Root, path));

        Assert.Empty(offenders);
    }

    [Fact]
    public void Only_Kernels_compiles_unsafe_code()
    {
        var unsafeProjects = Repository.FilesUnder("src", "*.csproj")
            .Where(path => File.ReadAllText(path).Contains("<AllowUnsafeBlocks>true", StringComparison.Ordinal))
            .Select(Path.GetFileNameWithoutExtension);

        Assert.Equal(["SmartFrz.Kernels"], unsafeProjects);
    }
}
