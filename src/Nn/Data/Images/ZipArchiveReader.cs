using System.IO.Compression;
using SmartFrz.Nn.Options;

namespace SmartFrz.Nn.Data;

/// <summary>Reads the files of a ZIP archive one after another.</summary>
internal static class ZipArchiveReader
{
    /// <summary>The files that are wanted, with their bytes.</summary>
    /// <param name="stream">The archive.</param>
    /// <param name="name">What messages call it.</param>
    /// <param name="budget">What may be unpacked.</param>
    /// <param name="wanted">Whether the bytes of a file of that name are wanted.</param>
    /// <exception cref="DataFormatException">The archive is damaged.</exception>
    public static IEnumerable<(string Name, byte[] Bytes)> Read(Stream stream, string name, ByteBudget budget, Func<string, bool> wanted)
    {
        using var zip = Guarded(name, () => new ZipArchive(stream, ZipArchiveMode.Read, leaveOpen: true));
        foreach (var entry in Guarded(name, () => zip.Entries))
        {
            string path = entry.FullName.Replace('\\', '/');
            if (!path.EndsWith('/') && wanted(path))
            {
                string where = $"{name}: {MessageText.Printable(path)}";
                ImageFile.CheckLength(entry.Length, where);
                budget.Take(entry.Length);
                byte[] bytes = Guarded(where, () => Unpack(entry, where));
                yield return Crc32.Of(bytes) == entry.Crc32 ? (path, bytes)
                    : throw new DataFormatException($"{where}: damaged, its checksum is wrong");
            }
        }
    }

    private static byte[] Unpack(ZipArchiveEntry entry, string where)
    {
        using var packed = entry.Open();
        using var bytes = new MemoryStream();
        var piece = new byte[1 << 14];
        for (int read; (read = packed.Read(piece)) > 0;)
        {
            if (bytes.Length + read > entry.Length)
            {
                throw new DataFormatException($"{where}: unpacks to more than the {entry.Length} bytes its entry announces");
            }

            bytes.Write(piece, 0, read);
        }

        return bytes.Length == entry.Length ? bytes.ToArray()
            : throw new DataFormatException($"{where}: unpacks to {bytes.Length} bytes, its entry announces {entry.Length}");
    }

    private static T Guarded<T>(string where, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is InvalidDataException or EndOfStreamException or NotSupportedException or ArgumentException or IOException)
        {
            throw new DataFormatException($"{where}: damaged ZIP data: {e.Message.ReplaceLineEndings(" ")}", e);
        }
    }
}
