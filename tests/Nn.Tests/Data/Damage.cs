namespace SmartFrz.Nn.Tests;

/// <summary>Damaged copies of files.</summary>
internal static class Damage
{
    /// <summary>A copy with bytes replaced (how 0), inserted (1), or cut off (2) at a place that is taken modulo the length.</summary>
    public static byte[] Of(byte[] file, byte[] bytes, int at, int how)
    {
        at %= file.Length;
        byte[] rest = file[at..];
        return how switch
        {
            0 => [.. file[..at], .. bytes[..Math.Min(bytes.Length, rest.Length)], .. rest[Math.Min(bytes.Length, rest.Length)..]],
            1 => [.. file[..at], .. bytes, .. rest],
            _ => file[..at],
        };
    }
}
