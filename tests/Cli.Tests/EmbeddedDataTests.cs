using System.Buffers.Binary;
using System.IO.Compression;

namespace SmartFrz.Cli.Tests;

/// <summary>The Fashion-MNIST subset that travels inside the smartfrz command.</summary>
public sealed class EmbeddedDataTests
{
    [Fact]
    public void The_data_carries_its_licence()
    {
        using var reader = new StreamReader(Open("data/fashion-mnist/LICENSE"));
        var licence = reader.ReadToEnd();

        Assert.Contains("Zalando SE", licence, StringComparison.Ordinal);
        Assert.Contains("Permission is hereby granted", licence, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("train-images-idx3-ubyte.gz", 10_000)]
    [InlineData("t10k-images-idx3-ubyte.gz", 2_000)]
    public void An_image_file_holds_as_many_images_as_its_header_says(string name, int count)
    {
        var bytes = Unpack(name);

        Assert.Equal([0x803, count, 28, 28], Header(bytes, 4));
        Assert.Equal(16 + (count * 28 * 28), bytes.Length);
    }

    [Theory]
    [InlineData("train-labels-idx1-ubyte.gz", 10_000)]
    [InlineData("t10k-labels-idx1-ubyte.gz", 2_000)]
    public void A_label_file_holds_as_many_labels_as_its_header_says_in_ten_classes(string name, int count)
    {
        var bytes = Unpack(name);

        Assert.Equal([0x801, count], Header(bytes, 2));
        Assert.Equal(8 + count, bytes.Length);
        Assert.Equal(Enumerable.Range(0, 10), bytes[8..].Select(label => (int)label).Distinct().Order());
    }

    private static int[] Header(byte[] bytes, int words) =>
        [.. Enumerable.Range(0, words).Select(word => BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(4 * word)))];

    private static byte[] Unpack(string name)
    {
        using var gzip = new GZipStream(Open($"data/fashion-mnist/{name}"), CompressionMode.Decompress);
        using var bytes = new MemoryStream();
        gzip.CopyTo(bytes);
        return bytes.ToArray();
    }

    private static Stream Open(string resource)
    {
        var stream = typeof(Program).Assembly.GetManifestResourceStream(resource);
        Assert.NotNull(stream);
        return stream;
    }
}
