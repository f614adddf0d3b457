namespace SmartFrz.Freeze.Tests;

public sealed class ProjectFileTests
{
    [Fact]
    public void Freeze_needs_no_package_but_linear_algebra()
    {
        Assert.Equal(["MathNet.Numerics"], Repository.ItemsOf("src/Freeze/SmartFrz.Freeze.csproj", "PackageReference"));
    }
}
