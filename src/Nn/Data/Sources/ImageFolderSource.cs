namespace SmartFrz.Nn.Data;

/// <summary>JPEG and PNG files in directories or archives.</summary>
public sealed class ImageFolderSource : ImageSource<ImageFolderOptions>
{
    /// <inheritdoc/>
    public override string Name => "image-folder";

    /// <inheritdoc/>
    public override string Description => "JPEG and PNG files, CLASS/FILE in the folders or archives train and test (or val) of a directory";

    /// <inheritdoc/>
    protected override ImageSplits OpenImages(DataOptions request, ImageFolderOptions options) =>
        ImageFolder.Open(
            RequiredDirectory(request, "one with the folders or archives train and test"), options, request.LimitTrain, request.LimitTest, request.Threads);
}
