namespace SmartFrz.Nn;

/// <summary>A training run that cannot go on; the message says where and why.</summary>
public sealed class TrainingException : Exception
{
    /// <summary>With a message.</summary>
    public TrainingException(string message)
        : base(message)
    {
    }

    /// <summary>With a message and a cause.</summary>
    public TrainingException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Without a message.</summary>
    public TrainingException()
    {
    }
}
