using CsCheck;
using SmartFrz.Nn.Data;

namespace SmartFrz.Nn.Tests;

public sealed class IdxReaderTests
{
    private static readonly byte[] Pair = IdxFiles.Images(2, 3, 4, i => (byte)(i * 7));

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public void Images_are_read_plain_and_packed_from_any_stream(bool packed, bool trickle)
    {
        byte[] file = packed ? IdxFiles.Gzip(Pair) : Pair;
        using var stream = trickle ? IdxFiles.Trickle(file) : new MemoryStream(file);

        var (count, rows, columns, pixels) = IdxReader.ReadImages(stream, "pair");

        Assert.Equal((2, 3, 4), (count, rows, columns));
        Assert.Equal(Pair[16..], pixels);
        Assert.True(stream.CanRead);
    }

    [Fact]
    public void Labels_are_read()
    {
        Assert.Equal([3, 1, 4, 1, 5], IdxReader.ReadLabels(new MemoryStream(IdxFiles.Labels(3, 1, 4, 1, 5)), "labels"));
    }

    [Fact]
    public void A_file_is_read_by_path()
    {
        using var folder = new TemporaryFolder();

        Assert.Equal(Pair[16..], IdxReader.ReadImages(folder.Write("a.gz", IdxFiles.Gzip(Pair))).Pixels);
        Assert.Equal($"{folder["b"]}: there is no such file", Message(() => IdxReader.ReadImages(folder["b"])));
        Assert.Equal($"{folder.Root}: a directory, expected a file", Message(() => IdxReader.ReadImages(folder.Root)));
    }

    [Fact]
    public void Everything_wrong_is_one_line_with_both_sides()
    {
        byte[] labels = IdxFiles.Labels(1, 2);

        Assert.Equal("x: magic number 0x00000801 (labels), an IDX file of images begins with 0x00000803", ImageMessage(labels));
        Assert.Equal("x: magic number 0x00000803 (images), an IDX file of labels begins with 0x00000801", LabelMessage(Pair));
        Assert.Equal("x: magic number 0x89504e47, an IDX file of images begins with 0x00000803", ImageMessage([0x89, 0x50, 0x4E, 0x47, 0, 0, 0, 0]));
        Assert.Equal("x: 0 bytes, the header of an IDX file of images alone has 16", ImageMessage([]));
        Assert.Equal("x: 9 bytes, the header of an IDX file of images alone has 16", ImageMessage(Pair[..9]));
        Assert.Equal("x: truncated, 23 of 24 bytes are there", ImageMessage(Pair[..^1]));
        Assert.Equal("x: truncated, 23 of 24 bytes are there", ImageMessage(IdxFiles.Gzip(Pair[..^1])));
        Assert.Equal("x: truncated, 23 of 24 bytes are there", Message(() => IdxReader.ReadImages(IdxFiles.Trickle(Pair[..^1]), "x")));
        Assert.Equal("x: trailing bytes after the 24 that its header announces", ImageMessage([.. Pair, 0]));
        Assert.Equal("x: trailing bytes after the 2 that its header announces", LabelMessage(IdxFiles.Gzip([.. labels, 0])));
        Assert.Equal("x: the header announces 4294967295 x 28 x 28 bytes, at most 2147483591 are read", ImageMessage(IdxFiles.Header(0x803, -1, 28, 28)));
        Assert.Equal("x: the header announces 65536 x 65536 x 65536 bytes, at most 2147483591 are read", ImageMessage(IdxFiles.Header(0x803, 65536, 65536, 65536)));
        Assert.StartsWith(
            "x: truncated, the header announces 20000 x 100 x 1000 bytes, the gzip data hold at most ",
            ImageMessage(IdxFiles.Gzip(IdxFiles.Header(0x803, 20000, 100, 1000))),
            StringComparison.Ordinal);
        Assert.Equal("x: the gzip data are damaged", ImageMessage([0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, 0xFF, 0xFF, 0xFF, 0xFF]));
    }

    [Fact]
    public void Images_and_labels_must_belong_together()
    {
        Assert.Equal("i has 2 images, l has 3 labels", DatasetMessage(Pair, IdxFiles.Labels(0, 1, 2)));
        Assert.Equal("l: label 1 is 9, the data set has 3 classes", DatasetMessage(Pair, IdxFiles.Labels(0, 9)));
        Assert.Equal("i: images of 0x4 pixels", DatasetMessage(IdxFiles.Images(2, 0, 4, _ => 0), IdxFiles.Labels(0, 1)));

        static string DatasetMessage(byte[] images, byte[] labels) => Message(() =>
            IdxReader.ReadDataset(new MemoryStream(images), "i", new MemoryStream(labels), "l", ["a", "b", "c"]));
    }

    [Fact]
    public void A_lying_header_costs_no_memory()
    {
        byte[] liar = IdxFiles.Header(0x803, 2_000_000, 32, 32);
        IdxReader.ReadLabels(new MemoryStream(IdxFiles.Labels(1)), "warm up");
        long before = GC.GetAllocatedBytesForCurrentThread();

        Assert.Equal("x: truncated, 0 of 2048000000 bytes are there", Message(() => IdxReader.ReadImages(IdxFiles.Trickle(liar), "x")));

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 3 << 20);
    }

    [Fact]
    public void A_damaged_file_is_our_exception_and_nothing_else()
    {
        byte[] packed = IdxFiles.Gzip(Pair);
        Gen.Select(Gen.Bool, Gen.Byte.Array[1, 4], Gen.Int[0, 10_000], Gen.Int[0, 2]).Sample(
            (pack, bytes, at, how) =>
            {
                byte[] file = Damage.Of(pack ? packed : Pair, bytes, at, how);
                try
                {
                    IdxReader.ReadImages(new MemoryStream(file), "x");
                }
                catch (DataFormatException e)
                {
                    return e.Message.StartsWith("x: ", StringComparison.Ordinal) && !e.Message.Contains('\n');
                }

                return true;
            },
            iter: 20_000, seed: "0000000000001");
    }

    private static string ImageMessage(byte[] file) => Message(() => IdxReader.ReadImages(new MemoryStream(file), "x"));

    private static string LabelMessage(byte[] file) => Message(() => IdxReader.ReadLabels(new MemoryStream(file), "x"));

    private static string Message(Func<object> read) => Assert.Throws<DataFormatException>(read).Message;
}
