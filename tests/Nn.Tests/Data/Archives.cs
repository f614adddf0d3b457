using System.Formats.Tar;
using System.IO.Compression;

namespace SmartFrz.Nn.Tests;

/// <summary>Writes archives with the framework's own writers.</summary>
internal static class Archives
{
    public static byte[] Tar(TarEntryFormat format, params IEnumerable<(string Name, byte[]? Bytes)> entries)
    {
        using var archive = new MemoryStream();
        using (var tar = new TarWriter(archive, format, leaveOpen: true))
        {
            foreach (var (name, bytes) in entries)
            {
                var type = bytes is null ? TarEntryType.Directory : format == TarEntryFormat.V7 ? TarEntryType.V7RegularFile : TarEntryType.RegularFile;
                TarEntry entry = format switch
                {
                    TarEntryFormat.V7 => new V7TarEntry(type, name),
                    TarEntryFormat.Ustar => new UstarTarEntry(type, name),
                    TarEntryFormat.Gnu => new GnuTarEntry(type, name),
                    _ => new PaxTarEntry(type, name),
                };
                if (bytes is not null)
                {
                    entry.DataStream = new MemoryStream(bytes);
                }

                tar.WriteEntry(entry);
            }
        }

        return archive.ToArray();
    }

    public static byte[] TarWithLink(string name, string target)
    {
        using var archive = new MemoryStream();
        using (var tar = new TarWriter(archive, TarEntryFormat.Pax, leaveOpen: true))
        {
            tar.WriteEntry(new PaxTarEntry(TarEntryType.SymbolicLink, name) { LinkName = target });
        }

        return archive.ToArray();
    }

    public static byte[] Zip(params IEnumerable<(string Name, byte[]? Bytes)> entries)
    {
        using var archive = new MemoryStream();
        using (var zip = new ZipArchive(archive, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (var (name, bytes) in entries)
            {
                using var stream = zip.CreateEntry(bytes is null ? name + "/" : name).Open();
                stream.Write(bytes ?? []);
            }
        }

        return archive.ToArray();
    }
}
