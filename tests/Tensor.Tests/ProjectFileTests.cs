namespace SmartFrz.Tensors.Tests;

public sealed class ProjectFileTests
{
    [Fact]
    public void Tensors_needs_no_package()
    {
        Assert.Empty(Repository.ItemsOf("src/Tensor/SmartFrz.Tensors.csproj", "PackageReference"));
    }
}
