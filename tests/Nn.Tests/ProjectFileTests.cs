namespace SmartFrz.Nn.Tests;

public sealed class ProjectFileTests
{
    [Fact]
    public void Nn_needs_no_package_but_an_image_decoder()
    {
        Assert.Equal(["StbImageSharp"], Repository.ItemsOf("src/Nn/SmartFrz.Nn.csproj", "PackageReference"));
    }
}
