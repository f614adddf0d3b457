using System.Formats.Tar;
using CsCheck;
using SmartFrz.Nn.Data;

namespace SmartFrz.Nn.Tests;

public sealed class TarArchiveReaderTests
{
    [Theory]
    [InlineData(TarEntryFormat.V7)]
    [InlineData(TarEntryFormat.Ustar)]
    [InlineData(TarEntryFormat.Pax)]
    [InlineData(TarEntryFormat.Gnu)]
    public void What_others_write_is_read(TarEntryFormat format)
    {
        string longest = format is TarEntryFormat.V7 ? "b/2" : string.Join('/', Enumerable.Repeat("folder-of-a-long-name", format is TarEntryFormat.Ustar ? 5 : 20)) + "/é.png";
        byte[] big = [.. Enumerable.Range(0, 5_000).Select(i => (byte)i)];
        byte[] tar = Archives.Tar(format, ("a", null), ("a/1", big), (longest, new byte[512]), ("a/empty", []), ("a/last", [1]));

        foreach (byte[] file in new[] { tar, IdxFiles.Gzip(tar) })
        {
            var entries = Read(file);

            Assert.Equal(["a/1", longest, "a/empty", "a/last"], entries.Select(e => e.Name));
            Assert.Equal([5_000, 512, 0, 1], entries.Select(e => e.Bytes.Length));
            Assert.Equal(big, entries[0].Bytes);
        }
    }

    [Fact]
    public void Only_what_is_wanted_is_kept()
    {
        byte[] tar = Archives.Tar(TarEntryFormat.Pax, ("a/1", new byte[700]), ("a/2", [2]));

        Assert.Equal([2], Assert.Single(Read(tar, name => name == "a/2")).Bytes);
    }

    [Fact]
    public void What_is_damaged_is_named()
    {
        byte[] tar = Archives.Tar(TarEntryFormat.Ustar, ("a/1", new byte[700]), ("a/2", [2]));
        byte[] flipped = [.. tar];
        flipped[1536] ^= 1;

        Assert.Equal("x: truncated tar archive, 0 bytes and no end mark", Message([]));
        Assert.Equal("x: truncated tar archive, 2560 bytes and no end mark", Message(tar[..2560]));
        Assert.Equal("x: truncated, 188 of 700 bytes are there", Message(tar[..700]));
        Assert.Equal("x: truncated tar archive, the entry at byte 512 is cut off", Message(tar[..1300]));
        Assert.Equal("x: not a tar archive, the checksum of its first header is wrong", Message([1, .. tar[1..]]));
        Assert.Equal("x: damaged tar archive, the header at byte 1536 is wrong", Message(flipped));
        Assert.Equal("x: a.png is a link, only files are read", Message(Archives.TarWithLink("a.png", "b.png")));
    }

    [Fact]
    public void A_lying_header_costs_no_memory()
    {
        byte[] tar = Archives.Tar(TarEntryFormat.Ustar, ("a/1", [1]));

        Assert.Equal("x: a/1: 8589934591 bytes, images of at most 268435456 are read", Message(WithSize(tar, "77777777777", '0')));
        Assert.Equal("x: damaged tar archive, 268435456 bytes of names at byte 512, at most 1048576 are read", Message(WithSize(tar, "02000000000", 'x')));

        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Equal("x: truncated, 1536 of 268435456 bytes are there", Message(WithSize(tar, "02000000000", '0'), packed: 10_000_000));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 3 << 20);
        Assert.Equal(
            "x: unpacks to more than 67108928 bytes, 64 times its own 1 and 67108864",
            Message([.. tar[..^1024], .. WithSize(tar, "02000000000", '0')]));
    }

    [Fact]
    public void A_bomb_is_stopped()
    {
        byte[] bomb = IdxFiles.Gzip(Archives.Tar(TarEntryFormat.Ustar, ("a/1", new byte[65 << 20])));

        Assert.StartsWith("x: unpacks to more than ", Message(bomb, packed: 1000), StringComparison.Ordinal);
    }

    [Fact]
    public void A_damaged_archive_is_our_exception_and_nothing_else()
    {
        byte[] tar = Archives.Tar(TarEntryFormat.Pax, ("a/1", new byte[600]), ("a/2", [2, 3]));
        byte[] packed = IdxFiles.Gzip(tar);
        Gen.Select(Gen.Bool, Gen.Byte.Array[1, 4], Gen.Int[0, 10_000], Gen.Int[0, 2]).Sample(
            (pack, bytes, at, how) =>
            {
                try
                {
                    Read(Damage.Of(pack ? packed : tar, bytes, at, how));
                }
                catch (DataFormatException e)
                {
                    return e.Message.StartsWith("x: ", StringComparison.Ordinal) && !e.Message.Contains('\n');
                }

                return true;
            },
            iter: 10_000, seed: "0000000000001");
    }

    // The archive with another size and type in its first header, and a checksum to fit.
    private static byte[] WithSize(byte[] tar, string octal, char type)
    {
        byte[] copy = [.. tar];
        System.Text.Encoding.ASCII.GetBytes(octal).CopyTo(copy, 124);
        copy[156] = (byte)type;
        int sum = Enumerable.Range(0, 512).Sum(i => i is >= 148 and < 156 ? ' ' : copy[i]);
        System.Text.Encoding.ASCII.GetBytes(Convert.ToString(sum, 8).PadLeft(6, '0') + "\0 ").CopyTo(copy, 148);
        return copy;
    }

    private static List<(string Name, byte[] Bytes)> Read(byte[] file, Func<string, bool>? wanted = null, long packed = 1)
    {
        using var plain = new PlainStream(IdxFiles.Trickle(file, 1000), "x");
        return [.. TarArchiveReader.Read(plain, "x", new ByteBudget(packed, "x"), wanted ?? (_ => true))];
    }

    private static string Message(byte[] file, long packed = 1) => Assert.Throws<DataFormatException>(() => Read(file, packed: packed)).Message;
}
