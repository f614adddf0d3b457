namespace SmartFrz.Nn.Data;

/// <summary>An image in order that has another size than the others: not one to be left out as unreadable.</summary>
internal sealed class ImageSizeException : DataFormatException
{
    /// <summary>With a message.</summary>
    public ImageSizeException(string message)
        : base(message)
    {
    }

    /// <summary>With a message and a cause.</summary>
    public ImageSizeException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Without a message.</summary>
    public ImageSizeException()
    {
    }
}
