using SmartFrz.Nn.Data;
using SmartFrz.Nn.Options;

namespace SmartFrz.Nn.Tests;

public sealed class CifarTests
{
    [Theory]
    [InlineData("")]
    [InlineData("cifar-10-batches-bin")]
    public void Cifar10_is_read_from_its_folder_or_the_one_above(string given)
    {
        using var folder = new TemporaryFolder();
        for (int i = 1; i <= 5; i++)
        {
            folder.Write($"cifar-10-batches-bin/data_batch_{i}.bin", [.. Record((byte)i), .. Record((byte)(i + 1))]);
        }

        folder.Write("cifar-10-batches-bin/test_batch.bin", Record(9));

        var splits = DataSources.OpenImages("cifar10", new DataOptions { Directory = folder[given] });

        Assert.Equal([1, 2, 2, 3, 3, 4, 4, 5, 5, 6], Enumerable.Range(0, 10).Select(splits.Train.Label));
        Assert.Equal((3, 32, 32, 10), (splits.Train.Channels, splits.Train.Height, splits.Train.Width, splits.Train.ClassNames.Count));
        Assert.Equal((1, "truck"), (splits.Test.Count, splits.Test.ClassNames[splits.Test.Label(0)]));
        Assert.Equal(Record(5)[1..], PixelStatistics.Image(splits.Train, 8));
        Assert.Equal(0.4914f, splits.Mean[0]);
    }

    [Fact]
    public void Cifar100_takes_the_fine_label()
    {
        using var folder = new TemporaryFolder();
        folder.Write("train.bin", [.. Record(3, 99), .. Record(19, 0)]);
        folder.Write("test.bin", Record(7, 50));

        var splits = DataSources.OpenImages("cifar100", new DataOptions { Directory = folder.Root });

        Assert.Equal([99, 0], Enumerable.Range(0, 2).Select(splits.Train.Label));
        Assert.Equal(Record(7, 50)[2..], PixelStatistics.Image(splits.Test, 0));
        Assert.Equal(100, Cifar100.ClassNames.Distinct().Count());
        Assert.Equal(Cifar100.ClassNames.Order(StringComparer.Ordinal), Cifar100.ClassNames);
        Assert.Equal("worm", Cifar100.ClassNames[99]);
    }

    [Fact]
    public void A_wrong_file_says_what_it_is()
    {
        using var folder = new TemporaryFolder();
        byte[] ten = Record(1), hundred = Record(1, 2);

        Assert.Equal(
            $"{folder["a"]}: 6148 bytes, a multiple of 3074: that is CIFAR-100; CIFAR-10 has records of 3073 bytes (1 of labels, 3072 of pixels)",
            Message(() => Cifar10.Read(folder.Write("a", [.. hundred, .. hundred]))));
        Assert.Equal(
            $"{folder["a"]}: 3073 bytes, a multiple of 3073: that is CIFAR-10; CIFAR-100 has records of 3074 bytes (2 of labels, 3072 of pixels)",
            Message(() => Cifar100.Read(folder.Write("a", ten))));
        Assert.Equal(
            $"{folder["a"]}: 3072 bytes; CIFAR-10 has records of 3073 bytes (1 of labels, 3072 of pixels)",
            Message(() => Cifar10.Read(folder.Write("a", ten[1..]))));
        Assert.Equal(
            $"{folder["a"]}: 0 bytes; CIFAR-10 has records of 3073 bytes (1 of labels, 3072 of pixels)",
            Message(() => Cifar10.Read(folder.Write("a", []))));
        Assert.Equal(
            $"{folder["a"]}: record 1 has label 10, CIFAR-10 has 10 classes",
            Message(() => Cifar10.Read(folder.Write("a", [.. ten, .. Record(10)]))));
        Assert.Equal($"{folder["b"]}: there is no such file", Message(() => Cifar10.Read(folder["b"])));
    }

    [Fact]
    public void A_wrong_directory_says_what_is_there_and_what_is_needed()
    {
        using var folder = new TemporaryFolder();
        string needs = "CIFAR-10 needs the binary version, cifar-10-batches-bin with data_batch_1.bin";

        folder.Write("python/cifar-10-batches-py/data_batch_1", []);
        string python = "that is the Python version, cifar-10-batches-py; unpack cifar-10-binary.tar.gz instead";
        Assert.Equal($"{folder["python"]}: {needs}; {python}", Directory10("python"));
        Assert.Equal($"{folder["python/cifar-10-batches-py"]}: {needs}; {python}", Directory10("python/cifar-10-batches-py"));

        folder.Write("hundred/cifar-100-binary/train.bin", []);
        Assert.Equal($"{folder["hundred"]}: {needs}; that is CIFAR-100, read by 'cifar100'", Directory10("hundred"));
        Assert.Equal($"{folder["hundred/cifar-100-binary"]}: {needs}; that is CIFAR-100, read by 'cifar100'", Directory10("hundred/cifar-100-binary"));

        folder.Write("packed/cifar-10-binary.tar.gz", []);
        Assert.Equal($"{folder["packed"]}: {needs}; cifar-10-binary.tar.gz is there: unpack it", Directory10("packed"));

        folder.Write("part/data_batch_2.bin", []);
        Assert.Equal(
            $"{folder["part"]}: CIFAR-10 needs data_batch_1.bin, data_batch_3.bin, data_batch_4.bin, data_batch_5.bin there; it holds data_batch_2.bin",
            Directory10("part"));

        folder.Write("other/file", []);
        Assert.Equal($"{folder["other"]}: {needs}; it holds file", Directory10("other"));
        Assert.Equal($"{folder["none"]}: {needs}; there is no such directory", Directory10("none"));
        Assert.Equal(
            $"{folder["part"]}: CIFAR-100 needs the binary version, cifar-100-binary with train.bin; that is CIFAR-10, read by 'cifar10'",
            Message(() => Cifar100.Load(folder["part"], train: true)));
        Assert.Equal(
            "data 'cifar10' needs a directory: cifar-10-batches-bin, or the one that holds it",
            Assert.Throws<OptionException>(() => DataSources.OpenImages("cifar10", new DataOptions())).Message);

        string Directory10(string name) => Message(() => Cifar10.Load(folder[name], train: true));
    }

    [DataFact("cifar10-resnet20/check-images.bin")]
    public void Records_of_real_images_are_read()
    {
        var images = Cifar10.Read(DataFolder.Path("cifar10-resnet20/check-images.bin"));

        Assert.Equal([0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9], Enumerable.Range(0, images.Count).Select(images.Label));
    }

    private static byte[] Record(params byte[] labels) =>
        [.. labels, .. Enumerable.Range(0, 3072).Select(i => (byte)((i * 7) + labels[^1]))];

    private static string Message(Func<object> read) => Assert.Throws<DataFormatException>(read).Message;
}
