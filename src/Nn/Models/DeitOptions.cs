namespace SmartFrz.Nn;

/// <summary>The options of <see cref="Deit"/>.</summary>
public sealed record DeitOptions
{
    /// <summary>Classes.</summary>
    /// <value>Default 1000.</value>
    public int NumClasses { get; init; } = 1000;

    /// <summary>Channels of the input.</summary>
    /// <value>Default 3.</value>
    public int InChannels { get; init; } = 3;

    /// <summary>Rows and columns of the input, a multiple of the patches'. No other size works: each place has numbers of its own.</summary>
    /// <value>Default 224.</value>
    public int ImgSize { get; init; } = 224;

    /// <summary>Rows and columns of a patch.</summary>
    /// <value>Default 16.</value>
    public int PatchSize { get; init; } = 16;

    /// <summary>Numbers of a token, a multiple of the heads.</summary>
    /// <value>Default 192.</value>
    public int Dim { get; init; } = 192;

    /// <summary>Blocks.</summary>
    /// <value>Default 12.</value>
    public int Depth { get; init; } = 12;

    /// <summary>Heads of each attention.</summary>
    /// <value>Default 3.</value>
    public int Heads { get; init; } = 3;
}
