namespace SmartFrz.Nn.Data;

/// <summary>CIFAR-10 from its official binary files.</summary>
public sealed class Cifar10Source : ImageSource<ImageDataOptions>
{
    /// <inheritdoc/>
    public override string Name => CifarFormat.Cifar10.Source;

    /// <inheritdoc/>
    public override string Description => "32x32 colour images of ten kinds of animals and vehicles; the official binary files in a directory";

    /// <inheritdoc/>
    protected override ImageSplits OpenImages(DataOptions request, ImageDataOptions options)
    {
        string directory = RequiredDirectory(request, "cifar-10-batches-bin, or the one that holds it");
        return new ImageSplits(Cifar10.Load(directory, train: true), Cifar10.Load(directory, train: false), Cifar10.Mean, Cifar10.Deviation);
    }
}

/// <summary>CIFAR-100 from its official binary files.</summary>
public sealed class Cifar100Source : ImageSource<ImageDataOptions>
{
    /// <inheritdoc/>
    public override string Name => CifarFormat.Cifar100.Source;

    /// <inheritdoc/>
    public override string Description => "32x32 colour images of a hundred kinds of things; the official binary files in a directory";

    /// <inheritdoc/>
    protected override ImageSplits OpenImages(DataOptions request, ImageDataOptions options)
    {
        string directory = RequiredDirectory(request, "cifar-100-binary, or the one that holds it");
        return new ImageSplits(Cifar100.Load(directory, train: true), Cifar100.Load(directory, train: false), Cifar100.Mean, Cifar100.Deviation);
    }
}
