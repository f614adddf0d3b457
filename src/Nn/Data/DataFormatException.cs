namespace SmartFrz.Nn.Data;

/// <summary>A data file or folder that is not what it should be; the message names it and says both sides in one line.</summary>
public class DataFormatException : Exception
{
    /// <summary>With a message.</summary>
    public DataFormatException(string message)
        : base(message)
    {
    }

    /// <summary>With a message and a cause.</summary>
    public DataFormatException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Without a message.</summary>
    public DataFormatException()
    {
    }
}
