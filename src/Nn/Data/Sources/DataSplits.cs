namespace SmartFrz.Nn.Data;

/// <summary>What a source delivers.</summary>
/// <param name="Train">The images to train on.</param>
/// <param name="Test">The images to evaluate on: the same size and classes.</param>
/// <param name="Mean">The usual mean of each channel, as a share of 255.</param>
/// <param name="Deviation">The usual standard deviation of each channel, as a share of 255.</param>
public sealed record DataSplits(IImageDataset Train, IImageDataset Test, IReadOnlyList<float> Mean, IReadOnlyList<float> Deviation)
{
    /// <summary>What a user should know, one line each: files passed over, say.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];
}
