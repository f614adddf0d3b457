namespace SmartFrz.Nn.Data;

/// <summary>Labelled images of one size, addressed by index.</summary>
/// <remarks>
/// Shapes: an image is (C,H,W): channel by channel, row by row.
/// Units:  pixels 0..255; labels 0 up to the number of classes.
/// All members may be called from several threads at once.
/// </remarks>
public interface IImageDataset
{
    /// <summary>The number of images.</summary>
    int Count { get; }

    /// <summary>Channels of an image.</summary>
    int Channels { get; }

    /// <summary>Rows of an image.</summary>
    int Height { get; }

    /// <summary>Columns of an image.</summary>
    int Width { get; }

    /// <summary>The classes' names, in the order of their labels.</summary>
    IReadOnlyList<string> ClassNames { get; }

    /// <summary>Whether reading an image takes long because it is decoded first: worth several threads.</summary>
    bool DecodesOnRead => false;

    /// <summary>The label of an image.</summary>
    /// <param name="index">0 up to <see cref="Count"/>.</param>
    int Label(int index);

    /// <summary>Copies the pixels of an image.</summary>
    /// <param name="index">0 up to <see cref="Count"/>.</param>
    /// <param name="chw">Receives C*H*W bytes.</param>
    /// <exception cref="DataFormatException">The image is decoded on demand and cannot be.</exception>
    void Read(int index, Span<byte> chw);

    /// <summary>Copies a part of an image, scaled to the size of the data set's images.</summary>
    /// <param name="index">0 up to <see cref="Count"/>.</param>
    /// <param name="choose">Is told rows and columns of the image as it is stored and answers the part, which lies inside.</param>
    /// <param name="chw">Receives C*H*W bytes.</param>
    /// <returns>The part.</returns>
    /// <exception cref="DataFormatException">The image is decoded on demand and cannot be.</exception>
    ImageBox ReadPart(int index, Func<int, int, ImageBox> choose, Span<byte> chw)
    {
        var whole = new byte[Channels * Height * Width];
        Read(index, whole);
        var box = choose(Height, Width);
        ImageResizer.Part(whole, Channels, Height, Width, box, Height, Width, chw);
        return box;
    }
}
