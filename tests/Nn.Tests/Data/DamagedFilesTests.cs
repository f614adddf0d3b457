using System.Diagnostics;
using System.Formats.Tar;
using CsCheck;
using SmartFrz.Nn.Data;
using SmartFrz.Nn.Weights;

namespace SmartFrz.Nn.Tests;

/// <summary>
/// Thousands of damaged copies of a small file for every reader: each is read, or is our exception in one line that begins with the file's
/// name, and takes a bounded multiple of the file and little time.
/// </summary>
public sealed class DamagedFilesTests
{
    private const int Copies = 3_000;

    // What readers may take for themselves: buffers, and what an archive or image may hold whatever its length.
    private const long Buffers = 1L << 20, Pixels = 24L << 20, ArchivePiece = 4L << 20;

    // Pieces that lengths, counts and markers are made of.
    private static readonly byte[][] Pieces =
        [[0], [0xFF], [0x7F, 0xFF, 0xFF, 0xFF], [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F], [0x80, 0, 0, 0], [(byte)'9', (byte)'9', (byte)'9', (byte)'9'], "\r\n\t\0"u8.ToArray()];

    public static TheoryData<string> Readers { get; } = [.. All().Select(r => r.Name)];

    [Theory]
    [MemberData(nameof(Readers))]
    public void A_damaged_file_is_a_clear_error(string name)
    {
        var reader = All().Single(r => r.Name == name);
        reader.Read(reader.Good);
        var piece = Gen.OneOf(Gen.Byte.Array[1, 4], Gen.Int[0, Pieces.Length - 1].Select(i => Pieces[i]));
        var damage = Gen.Select(piece, Gen.Int[0, 1 << 20], Gen.Int[0, 4]);
        var watch = Stopwatch.StartNew();
        long most = 0;

        damage.Array[1, 3].Sample(
            places =>
            {
                byte[] file = places.Aggregate(reader.Good, (bytes, place) => bytes.Length == 0 ? bytes : Damaged(bytes, place.Item1, place.Item2, place.Item3));
                long before = GC.GetAllocatedBytesForCurrentThread();
                try
                {
                    reader.Read(file);
                }
                catch (Exception e) when (e is DataFormatException or WeightsFormatException)
                {
                    Assert.StartsWith("x: ", e.Message, StringComparison.Ordinal);
                    Assert.False(e.Message.Any(char.IsControl), e.Message);
                }

                long taken = GC.GetAllocatedBytesForCurrentThread() - before;
                most = Math.Max(most, taken);
                return taken <= reader.Base + ((long)reader.Multiple * file.Length);
            },
            iter: Copies, seed: "0000000000001", threads: 1);

        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(30), $"{watch.Elapsed} for {Copies} files of {reader.Good.Length} bytes");
    }

    private static byte[] Damaged(byte[] file, byte[] with, int at, int how)
    {
        at %= file.Length;
        return how switch
        {
            // A part twice, a part left out.
            3 => [.. file[..at], .. file[(at / 2)..]],
            4 => [.. file[..at], .. file[Math.Min(file.Length, at + with.Length)..]],
            _ => Damage.Of(file, with, at, how),
        };
    }

    private static IEnumerable<Reader> All()
    {
        byte[] png = ImageFiles.Png(9, 7, 4, (y, x, c) => (byte)(y * x * c)), jpeg = ImageFiles.Jpeg(16, 24, 200);
        (string, byte[]?)[] images = [("cat/1.png", png), ("dog/2.jpg", jpeg), ("dog/3.png", new byte[700])];
        string golden = Path.Combine(Repository.Root, "tests", "Nn.Tests", "Weights", "Golden");
        yield return new("png", png, 64, Pixels, Decode);
        yield return new("jpeg", jpeg, 64, Pixels, Decode);
        yield return new("tar", Archives.Tar(TarEntryFormat.Pax, images), 64, ArchivePiece, Tar);
        yield return new("tar.gz", IdxFiles.Gzip(Archives.Tar(TarEntryFormat.Ustar, images)), 64, ArchivePiece, Tar);
        yield return new("zip", Archives.Zip(images), 64, ArchivePiece, Zip);
        yield return new("idx", Idx(), 64, 2 * Buffers, ReadIdx);
        yield return new("idx.gz", IdxFiles.Gzip(Idx()), 64, 2 * Buffers, ReadIdx);
        yield return new("cifar10", Records(1), 8, Buffers, file => ReadCifar(file, CifarFormat.Cifar10));
        yield return new("cifar100", Records(2), 8, Buffers, file => ReadCifar(file, CifarFormat.Cifar100));
        yield return new("cola", "ab01\t1\t\tA \"sentence.\ngj04\t0\t*\tAnother one\r\n"u8.ToArray(), 32, Buffers, file => GlueTask.Cola.Columns.Read(new MemoryStream(file), "x"));
        yield return new("mrpc", "\ufeffQuality\t#1 ID\t#2 ID\t#1 String\t#2 String\r\n1\t1\t2\tA\tB \"\r\n0\t3\t4\tC\tD\r\n"u8.ToArray(), 32, Buffers, file => GlueTask.Mrpc.Columns.Read(new MemoryStream(file), "x"));
        yield return new("vocabulary", "[PAD]\r\n[UNK]\n[CLS]\n[SEP]\nword\n##piece\n日本\n"u8.ToArray(), 64, Buffers, file => WordPieceVocabulary.Read(new MemoryStream(file), "x"));
        yield return new("safetensors", SafeTensorsFile(), 64, Buffers, file => SafeTensors.Read(new MemoryStream(file), "x"));
        foreach (string name in (string[])["zip-2.pth", "zip-4.pth", "legacy-2.th", "legacy-4.th", "checkpoint.pth", "checkpoint.th"])
        {
            yield return new(name, File.ReadAllBytes(Path.Combine(golden, name)), 256, Buffers, file => PyTorchFile.Read(new MemoryStream(file), "x"));
        }
    }

    private static void Decode(byte[] file)
    {
        var header = ImageHeader.Read(file, "x");
        var pixels = new byte[3 * header.Width * header.Height];
        ImageDecoder.Decode(file, "x", 3, header, pixels);
    }

    private static void Tar(byte[] file)
    {
        using var plain = new PlainStream(new MemoryStream(file), "x");
        Drain(TarArchiveReader.Read(plain, "x", new ByteBudget(file.Length, "x"), _ => true));
    }

    private static void Zip(byte[] file) => Drain(ZipArchiveReader.Read(new MemoryStream(file), "x", new ByteBudget(file.Length, "x"), _ => true));

    private static void Drain(IEnumerable<(string Name, byte[] Bytes)> entries)
    {
        foreach (var (_, bytes) in entries)
        {
            Assert.NotNull(bytes);
        }
    }

    private static void ReadIdx(byte[] file) => IdxReader.ReadImages(new MemoryStream(file), "x");

    private static byte[] Idx() => IdxFiles.Images(2, 3, 4, i => (byte)i);

    private static byte[] Records(int labels) => [.. Enumerable.Range(0, 3).SelectMany(r => Enumerable.Repeat((byte)r, labels).Concat(Enumerable.Repeat((byte)(r * 9), 3072)))];

    private static void ReadCifar(byte[] file, CifarFormat format) => CifarReader.Read(format, ["x"], [new MemoryStream(file)]);

    private static byte[] SafeTensorsFile()
    {
        using var stream = new MemoryStream();
        new SafeTensors
        {
            Metadata = { ["format"] = "pt" },
            Tensors = { ["w"] = StoredTensor.Of([1f, 2f, 3f, 4f], 2, 2), ["n"] = StoredTensor.Of([5L]) },
        }.Write(stream);
        return stream.ToArray();
    }

    /// <summary>A reader: a sound file, how much of it reading may take (multiple and base), and the reading.</summary>
    private sealed record Reader(string Name, byte[] Good, int Multiple, long Base, Action<byte[]> Read);
}
