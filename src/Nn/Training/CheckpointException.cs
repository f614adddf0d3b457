namespace SmartFrz.Nn;

/// <summary>
/// A checkpoint that cannot be read or belongs to another run, or a directory that can take none; found out before anything is
/// changed. The message names the file and says both sides in one line.
/// </summary>
public sealed class CheckpointException : Exception
{
    /// <summary>With a message.</summary>
    public CheckpointException(string message)
        : base(message)
    {
    }

    /// <summary>With a message and a cause.</summary>
    public CheckpointException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Without a message.</summary>
    public CheckpointException()
    {
    }
}
