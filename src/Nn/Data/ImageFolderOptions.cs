namespace SmartFrz.Nn.Data;

/// <summary>Options of <see cref="ImageFolder"/>.</summary>
public sealed record ImageFolderOptions : ImageDataOptions
{
    /// <summary>
    /// Rows and columns that every image is brought to: scaled until the shorter side fits, then cut to its middle; an image of that size
    /// is taken as it is. 0 takes all as they are, and they must be of one size.
    /// </summary>
    /// <value>Default 0.</value>
    public int Size { get; init; }

    /// <summary>What the shorter side is scaled to before the cut, at least <see cref="Size"/>, as in 256 for a size of 224; 0 for the size itself.</summary>
    /// <value>Default 0.</value>
    public int Resize { get; init; }

    /// <summary>
    /// Whether images that cannot be decoded are left out, with a note that counts them. To find them each image that is decoded on demand
    /// is decoded once when the data are opened.
    /// </summary>
    /// <value>Default false: the first one is an error.</value>
    public bool SkipUnreadable { get; init; }

    /// <summary>Channels: 3 for colour, 1 for grey.</summary>
    /// <value>Default 3.</value>
    public int Channels { get; init; } = 3;

    /// <summary>Megabytes (2^20 bytes) up to which the decoded images of a split are kept in memory; above they are decoded each time they are read.</summary>
    /// <value>Default 1024.</value>
    public int Memory { get; init; } = 1024;
}
