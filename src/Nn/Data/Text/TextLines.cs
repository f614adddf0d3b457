using System.Globalization;
using System.Text;

namespace SmartFrz.Nn.Data;

/// <summary>Reads a text file line by line: UTF-8 with or without a byte order mark, lines that end with a line feed, perhaps after a carriage return.</summary>
internal static class TextLines
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>The lines with their numbers from 1. An empty piece behind the last line feed is no line.</summary>
    /// <param name="stream">The file's bytes.</param>
    /// <param name="name">What messages call it.</param>
    /// <param name="most">The most bytes that are read.</param>
    /// <exception cref="DataFormatException">It is longer, or a line is not UTF-8.</exception>
    public static IEnumerable<(int Number, string Text)> Read(Stream stream, string name, long most)
    {
        byte[] bytes = All(stream, name, most);
        int at = bytes.AsSpan().StartsWith(Encoding.UTF8.Preamble) ? Encoding.UTF8.Preamble.Length : 0;
        for (int number = 1; at < bytes.Length; number++)
        {
            int length = bytes.AsSpan(at).IndexOf((byte)'\n');
            var line = bytes.AsSpan(at, length < 0 ? bytes.Length - at : length);
            at += line.Length + 1;
            yield return (number, Text(line.EndsWith("\r"u8) ? line[..^1] : line, name, number));
        }
    }

    private static byte[] All(Stream stream, string name, long most)
    {
        using var plain = new PlainStream(stream, name);
        using var all = new MemoryStream();
        var piece = new byte[1 << 14];
        for (int read; (read = plain.Read(piece)) > 0;)
        {
            if (all.Length + read > most)
            {
                throw new DataFormatException(string.Create(CultureInfo.InvariantCulture, $"{name}: more than {most} bytes, such a file is smaller"));
            }

            all.Write(piece, 0, read);
        }

        return all.ToArray();
    }

    private static string Text(ReadOnlySpan<byte> line, string name, int number)
    {
        try
        {
            return Strict.GetString(line);
        }
        catch (DecoderFallbackException e)
        {
            throw new DataFormatException($"{name}: line {number} is not UTF-8", e);
        }
    }
}
