using System.Text;
using SmartFrz.Nn.Options;

namespace SmartFrz.Nn.Data;

/// <summary>Reads the files of a tar archive one after another: POSIX (ustar and pax) and GNU.</summary>
/// <remarks>
/// Unlike the framework's reader it allocates nothing by a header's word: the bytes of an entry are taken as they come, and long names
/// are bounded.
/// </remarks>
internal static class TarArchiveReader
{
    private const int BlockBytes = 512;
    private const long LongestNames = 1 << 20;

    /// <summary>The files that are wanted, with their bytes.</summary>
    /// <param name="tar">The archive, unpacked.</param>
    /// <param name="name">What messages call it.</param>
    /// <param name="budget">What may be unpacked.</param>
    /// <param name="wanted">Whether the bytes of a file of that name are wanted; asked for regular files and links.</param>
    /// <exception cref="DataFormatException">The archive is damaged, or a wanted file is a link.</exception>
    public static IEnumerable<(string Name, byte[] Bytes)> Read(PlainStream tar, string name, ByteBudget budget, Func<string, bool> wanted)
    {
        var header = new byte[BlockBytes];
        string? longName = null;
        long? longSize = null;
        for (long at = 0; ; )
        {
            int read = tar.ReadAtLeast(header, BlockBytes, throwOnEndOfStream: false);
            if (read < BlockBytes)
            {
                throw new DataFormatException($"{name}: truncated tar archive, {at + read} bytes and no end mark");
            }

            budget.Take(BlockBytes);
            if (!header.AsSpan().ContainsAnyExcept((byte)0))
            {
                Drain(tar, budget);
                yield break;
            }

            CheckSum(header, name, at);
            char type = (char)header[156];
            long size = longSize ?? Number(header.AsSpan(124, 12), name, at);
            string entry = longName ?? EntryName(header);
            at += BlockBytes;
            if (type is 'x' or 'L')
            {
                byte[] names = ReadSmall(tar, size, name, at, budget);
                (longName, longSize) = type == 'L' ? (Text(names), longSize) : Pax(names, longName, longSize, name, at);
                at += Padded(size);
                continue;
            }

            (longName, longSize) = (null, null);
            bool link = type is '1' or '2', file = type is '0' or '\0' or '7';
            if ((link || file) && !entry.EndsWith('/') && wanted(entry))
            {
                ImageFile.CheckLength(size, $"{name}: {MessageText.Printable(entry)}");
                budget.Take(size);
                yield return link
                    ? throw new DataFormatException($"{name}: {MessageText.Printable(entry)} is a link, only files are read")
                    : (entry, tar.ReadAll(size));
                Skip(tar, Padded(size) - size, name, at, budget);
                at += Padded(size);
            }
            else if (type is not (>= '1' and <= '6'))
            {
                // Links, devices and folders have no bytes, whatever their size says.
                Skip(tar, Padded(size), name, at, budget);
                at += Padded(size);
            }
        }
    }

    private static long Padded(long size) => (size + BlockBytes - 1) / BlockBytes * BlockBytes;

    private static string EntryName(ReadOnlySpan<byte> header)
    {
        string own = Text(header[..100]);
        string prefix = header.Slice(257, 6).SequenceEqual("ustar\0"u8) ? Text(header.Slice(345, 155)) : "";
        return prefix.Length == 0 ? own : prefix + "/" + own;
    }

    private static string Text(ReadOnlySpan<byte> bytes)
    {
        int end = bytes.IndexOf((byte)0);
        return Encoding.UTF8.GetString(end < 0 ? bytes : bytes[..end]);
    }

    // Octal digits, or where they do not suffice a big-endian number marked by the highest bit.
    private static long Number(ReadOnlySpan<byte> field, string name, long at)
    {
        long value = 0;
        if ((field[0] & 0x80) != 0)
        {
            foreach (byte b in field[4..])
            {
                value = (value << 8) | b;
            }

            return field[0] == 0x80 && !field[1..4].ContainsAnyExcept((byte)0) && value is >= 0 and < long.MaxValue / 2 ? value : throw Damaged(name, at);
        }

        foreach (byte b in field.Trim(" \0"u8))
        {
            value = b is >= (byte)'0' and <= (byte)'7' ? (value * 8) + (b - '0') : throw Damaged(name, at);
        }

        return value;
    }

    private static void CheckSum(ReadOnlySpan<byte> header, string name, long at)
    {
        const int sumAt = 148, sumBytes = 8;
        long sum = sumBytes * ' ';
        for (int i = 0; i < BlockBytes; i++)
        {
            sum += i is >= sumAt and < sumAt + sumBytes ? 0 : header[i];
        }

        if (sum != Number(header.Slice(sumAt, sumBytes), name, at))
        {
            throw at == 0 ? new DataFormatException($"{name}: not a tar archive, the checksum of its first header is wrong") : Damaged(name, at);
        }
    }

    private static DataFormatException Damaged(string name, long at) => new($"{name}: damaged tar archive, the header at byte {at} is wrong");

    private static byte[] ReadSmall(PlainStream tar, long size, string name, long at, ByteBudget budget)
    {
        if (size > LongestNames)
        {
            throw new DataFormatException($"{name}: damaged tar archive, {size} bytes of names at byte {at}, at most {LongestNames} are read");
        }

        budget.Take(size);
        byte[] bytes = tar.ReadAll(size);
        Skip(tar, Padded(size) - size, name, at, budget);
        return bytes;
    }

    // Records "LENGTH KEY=VALUE\n", LENGTH being that of the whole record.
    private static (string? Name, long? Size) Pax(ReadOnlySpan<byte> records, string? path, long? size, string name, long at)
    {
        while (!records.IsEmpty)
        {
            int space = records.IndexOf((byte)' ');
            if (space < 1 || !int.TryParse(records[..space], out int length) || length <= space || length > records.Length)
            {
                throw Damaged(name, at);
            }

            var record = records[(space + 1)..length].TrimEnd((byte)'\n');
            int equals = record.IndexOf((byte)'=');
            if (equals > 0 && record[..equals].SequenceEqual("path"u8))
            {
                path = Text(record[(equals + 1)..]);
            }
            else if (equals > 0 && record[..equals].SequenceEqual("size"u8))
            {
                size = long.TryParse(record[(equals + 1)..], out long value) && value is >= 0 and < long.MaxValue / 2 ? value : throw Damaged(name, at);
            }

            records = records[length..];
        }

        return (path, size);
    }

    private static void Skip(PlainStream tar, long bytes, string name, long at, ByteBudget budget)
    {
        var piece = new byte[Math.Min(bytes, 1 << 16)];
        while (bytes > 0)
        {
            int read = tar.Read(piece.AsSpan(0, (int)Math.Min(bytes, piece.Length)));
            budget.Take(read);
            bytes -= read > 0 ? read : throw new DataFormatException($"{name}: truncated tar archive, the entry at byte {at} is cut off");
        }
    }

    // To the end of the packed data, so that their checksum is compared.
    private static void Drain(PlainStream tar, ByteBudget budget)
    {
        var piece = new byte[1 << 16];
        for (int read; (read = tar.Read(piece)) > 0;)
        {
            budget.Take(read);
        }
    }
}
