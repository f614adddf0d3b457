namespace SmartFrz.Kernels;

/// <summary>The device that was asked for cannot be had; the message is one line for the user.</summary>
public sealed class DeviceException : Exception
{
    /// <summary>With the reason.</summary>
    public DeviceException(string message)
        : base(message)
    {
    }

    /// <summary>Without a reason.</summary>
    public DeviceException()
    {
    }

    /// <summary>With the reason and a cause.</summary>
    public DeviceException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
