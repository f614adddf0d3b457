using System.Text.Json.Nodes;
using SmartFrz.Nn.Data;
using SmartFrz.Nn.Options;

namespace SmartFrz.Nn.Tests;

public sealed class FashionMnistTests
{
    private static readonly Dictionary<string, byte[]> Files = new()
    {
        ["train-images-idx3-ubyte"] = IdxFiles.Images(4, 28, 28, i => (byte)i),
        ["train-labels-idx1-ubyte"] = IdxFiles.Labels(9, 0, 3, 3),
        ["t10k-images-idx3-ubyte"] = IdxFiles.Images(2, 28, 28, i => (byte)(i + 1)),
        ["t10k-labels-idx1-ubyte"] = IdxFiles.Labels(1, 2),
    };

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_source_reads_a_directory(bool packed)
    {
        using var folder = new TemporaryFolder();
        foreach (var (name, bytes) in Files)
        {
            folder.Write(packed ? name + ".gz" : name, packed ? IdxFiles.Gzip(bytes) : bytes);
        }

        Check(DataSources.OpenImages("fashion-mnist", new DataOptions { Directory = folder.Root }));
    }

    [Fact]
    public void The_source_reads_what_travels_with_the_program()
    {
        var asked = new List<string>();
        Check(DataSources.OpenImages("fashion-mnist", new DataOptions { Embedded = Open }));
        Assert.Contains("fashion-mnist/train-images-idx3-ubyte.gz", asked);

        Stream? Open(string name)
        {
            asked.Add(name);
            return Files.TryGetValue(name.Replace("fashion-mnist/", "", StringComparison.Ordinal).Replace(".gz", "", StringComparison.Ordinal), out var bytes)
                ? new MemoryStream(IdxFiles.Gzip(bytes))
                : null;
        }
    }

    [Fact]
    public void Limits_keep_the_first_images()
    {
        using var folder = new TemporaryFolder();
        foreach (var (name, bytes) in Files)
        {
            folder.Write(name, bytes);
        }

        var splits = DataSources.OpenImages("fashion-mnist", new DataOptions { Directory = folder.Root, LimitTrain = 3, LimitTest = 7 });

        Assert.Equal((3, 2), (splits.Train.Count, splits.Test.Count));
        Assert.Equal([9, 0, 3], Enumerable.Range(0, 3).Select(splits.Train.Label));
        Assert.Throws<ArgumentOutOfRangeException>(() => splits.Train.Label(3));
        Assert.Equal(
            "limit of training examples 0, expected at least 1",
            Assert.Throws<OptionException>(() => DataSources.OpenImages("fashion-mnist", new DataOptions { Directory = folder.Root, LimitTrain = 0 })).Message);
    }

    [Fact]
    public void Missing_files_are_named()
    {
        using var folder = new TemporaryFolder();
        folder.Write("train-images-idx3-ubyte.gz", IdxFiles.Gzip(Files["train-images-idx3-ubyte"]));
        folder.Write("readme", []);

        Assert.Equal(
            $"{folder.Root}: Fashion-MNIST needs train-labels-idx1-ubyte or train-labels-idx1-ubyte.gz there; it holds readme, train-images-idx3-ubyte.gz",
            Message(new DataOptions { Directory = folder.Root }));
        Assert.Equal(
            $"{folder["none"]}: Fashion-MNIST needs train-images-idx3-ubyte or train-images-idx3-ubyte.gz there; there is no such directory",
            Message(new DataOptions { Directory = folder["none"] }));
        Assert.Equal(
            "Fashion-MNIST: no embedded train-images-idx3-ubyte or train-images-idx3-ubyte.gz; give the directory of the official files",
            Message(new DataOptions { Embedded = _ => null }));
        Assert.Equal(
            "data 'fashion-mnist' needs a directory: no data travel with this program",
            Assert.Throws<OptionException>(() => DataSources.OpenImages("fashion-mnist", new DataOptions())).Message);

        static string Message(DataOptions options) =>
            Assert.Throws<DataFormatException>(() => DataSources.OpenImages("fashion-mnist", options)).Message;
    }

    [Fact]
    public void The_subset_of_the_repository_is_whole()
    {
        string directory = Path.Combine(Repository.Root, "data", "fashion-mnist");

        Assert.Equal(10_000, FashionMnist.Load(directory, train: true).Count);
        Assert.Equal(2_000, FashionMnist.Load(directory, train: false).Count);
    }

    [DataFact(FashionMnistSource.DebianDirectory)]
    public void The_full_files_have_the_mean_and_the_deviation_that_are_subtracted()
    {
        var options = new DataOptions { Values = new JsonObject { ["full"] = true }, Embedded = _ => null };

        var splits = DataSources.OpenImages("fashion-mnist", options);

        Assert.Equal((60_000, 10_000), (splits.Train.Count, splits.Test.Count));
        Assert.Equal([9, 0, 0, 3, 0], Enumerable.Range(0, 5).Select(splits.Train.Label));
        var (mean, deviation) = PixelStatistics.Of(splits.Train);
        Assert.Equal(FashionMnist.Mean, mean[0], 4e-4);
        Assert.Equal(FashionMnist.Deviation, deviation[0], 4e-4);
        var subset = FashionMnist.Load(Path.Combine(Repository.Root, "data", "fashion-mnist"), train: true);
        Assert.Equal(PixelStatistics.Image(subset, 9_999), PixelStatistics.Image(splits.Train, 9_999));
    }

    private static void Check(ImageSplits splits)
    {
        Assert.Equal((4, 1, 28, 28), (splits.Train.Count, splits.Train.Channels, splits.Train.Height, splits.Train.Width));
        Assert.Equal([9, 0, 3, 3], Enumerable.Range(0, 4).Select(splits.Train.Label));
        Assert.Equal([1, 2], Enumerable.Range(0, 2).Select(splits.Test.Label));
        Assert.Equal("Ankle boot", splits.Train.ClassNames[9]);
        Assert.Equal([0.2860f], splits.Mean);
        Assert.Equal([0.3530f], splits.Deviation);
        Assert.Equal(Enumerable.Range(784, 784).Select(i => (byte)i), PixelStatistics.Image(splits.Train, 1));
        Assert.Equal(Enumerable.Range(785, 784).Select(i => (byte)i), PixelStatistics.Image(splits.Test, 1));
    }
}
