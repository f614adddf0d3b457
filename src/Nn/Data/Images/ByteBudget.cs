namespace SmartFrz.Nn.Data;

/// <summary>Bounds what is unpacked from an archive: a small file must not fill the memory.</summary>
/// <remarks>Memory: at most 64 MiB and 64 times the archive's own size. JPEG and PNG files hardly pack at all.</remarks>
internal sealed class ByteBudget(long archiveBytes, string name)
{
    private const long Free = 64L << 20, Ratio = 64;

    private long _left = Free + (Ratio * archiveBytes);

    /// <summary>Takes so many bytes.</summary>
    /// <exception cref="DataFormatException">There are none left.</exception>
    public void Take(long bytes)
    {
        _left -= bytes;
        if (_left < 0)
        {
            throw new DataFormatException($"{name}: unpacks to more than {Free + (Ratio * archiveBytes)} bytes, {Ratio} times its own {archiveBytes} and {Free}");
        }
    }
}
