namespace SmartFrz.Nn.Weights;

/// <summary>A weights file that is not what it should be; the message names it and says both sides in one line.</summary>
public sealed class WeightsFormatException : Exception
{
    /// <summary>With a message.</summary>
    public WeightsFormatException(string message)
        : base(message)
    {
    }

    /// <summary>With a message and a cause.</summary>
    public WeightsFormatException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Without a message.</summary>
    public WeightsFormatException()
    {
    }
}
