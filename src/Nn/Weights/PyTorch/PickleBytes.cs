using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace SmartFrz.Nn.Weights;

/// <summary>The bytes of a pickle, read forwards. Nothing is allocated for bytes that are not there.</summary>
/// <param name="stream">The bytes from the current position on.</param>
/// <param name="length">How many of them belong to it.</param>
/// <param name="name">What messages call the file.</param>
internal sealed class PickleBytes(Stream stream, long length, string name)
{
    // A line holds a number or the name of a class.
    private const int LongestLine = 4096;

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Bytes read so far.</summary>
    public long Position { get; private set; }

    /// <summary>Bytes to come.</summary>
    public long Left => length - Position;

    /// <summary>What is thrown for a wrong file.</summary>
    public WeightsFormatException Fail(string message) => new($"{name}: {message}");

    /// <summary>The next byte.</summary>
    public byte Byte()
    {
        int value = Left > 0 ? stream.ReadByte() : -1;
        if (value < 0)
        {
            throw Truncated(1);
        }

        Position++;
        return (byte)value;
    }

    /// <summary>The next bytes.</summary>
    public byte[] Bytes(long count)
    {
        if (count < 0 || count > Left || count > Array.MaxLength)
        {
            throw Truncated(count);
        }

        var bytes = new byte[count];
        if (stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false) < bytes.Length)
        {
            throw Truncated(count);
        }

        Position += count;
        return bytes;
    }

    /// <summary>Passes over bytes.</summary>
    public void Skip(long count)
    {
        if (count < 0 || count > Left)
        {
            throw Truncated(count);
        }

        stream.Seek(count, SeekOrigin.Current);
        Position += count;
    }

    /// <summary>A little-endian number of so many bytes without a sign, at most <see cref="long.MaxValue"/>.</summary>
    public long Unsigned(int bytes)
    {
        Span<byte> word = stackalloc byte[8];
        word.Clear();
        for (int i = 0; i < bytes; i++)
        {
            word[i] = Byte();
        }

        long value = BinaryPrimitives.ReadInt64LittleEndian(word);
        return value >= 0 ? value : throw Truncated(value);
    }

    /// <summary>A text of so many bytes.</summary>
    public string Text(long count) => TryText(Bytes(count)) ?? throw Fail(At("a text that is not UTF-8"));

    /// <summary>These bytes as a text; null where they are none.</summary>
    public static string? TryText(byte[] bytes)
    {
        try
        {
            return Strict.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }

    /// <summary>The text up to the next line feed, which is read too.</summary>
    public string Line()
    {
        var line = new StringBuilder();
        for (byte b; (b = Byte()) != '\n';)
        {
            if (line.Length == LongestLine)
            {
                throw Fail(At($"a line of more than {LongestLine} bytes"));
            }

            line.Append((char)b);
        }

        return line.ToString();
    }

    /// <summary>A complaint with the place: <c>damaged pickle, WHAT before byte N</c>.</summary>
    public string At(string what) => string.Create(CultureInfo.InvariantCulture, $"damaged pickle, {what} before byte {Position}");

    private WeightsFormatException Truncated(long count) =>
        Fail(string.Create(CultureInfo.InvariantCulture, $"truncated or damaged pickle, {count} bytes wanted at byte {Position}, {Math.Max(0, Left)} are there"));
}
