using System.Formats.Tar;
using System.Text.Json.Nodes;
using CsCheck;
using SmartFrz.Nn.Data;
using SmartFrz.Nn.Options;

namespace SmartFrz.Nn.Tests;

public sealed class ImageFolderTests
{
    // Ordinal order: capitals before small letters, 10 before 9. An image's brightness tells which one it is.
    private static readonly (string Name, byte[]? Bytes)[] Train =
    [
        ("cat/9.png", ImageFiles.Png(8, 8, 12)),
        ("cat/10.png", ImageFiles.Png(8, 8, 11)),
        ("Dog/a.JPEG", ImageFiles.Jpeg(8, 8, 201)),
        ("Dog/sub/b.png", ImageFiles.Png(8, 8, 22)),
        ("ant/x.jpg", ImageFiles.Png(8, 8, 31)),
    ];

    private static readonly (string Name, byte[]? Bytes)[] Test = [("cat/1.png", ImageFiles.Png(8, 8, 41)), ("Dog/1.jpg", ImageFiles.Jpeg(8, 8, 242))];

    private static readonly (string Name, byte[]? Bytes)[] Junk =
    [
        ("cat/.DS_Store", [1]),
        ("cat/._9.png", [1]),
        ("__MACOSX/cat/._9.png", [1]),
        ("cat/Thumbs.db", [1]),
        (".hidden/1.png", [1]),
    ];

    [Theory]
    [InlineData("train", "test")]
    [InlineData("Train", "val")]
    [InlineData("data-train.tar", "data-test.tar")]
    [InlineData("latest-TRAIN.tar.gz", "test.tgz")]
    [InlineData("train.tgz", "val.zip")]
    [InlineData("train.zip", "validation.tar")]
    public void Folders_and_archives_are_read_alike(string train, string test)
    {
        using var folder = new TemporaryFolder();
        Write(folder, train, [.. Train, .. Junk]);
        Write(folder, test, Test);

        var splits = Open(folder);

        Assert.Equal(["Dog", "ant", "cat"], splits.Train.ClassNames);
        Assert.Equal([0, 0, 1, 2, 2], Enumerable.Range(0, 5).Select(splits.Train.Label));
        Assert.Equal([201, 22, 31, 11, 12], Enumerable.Range(0, 5).Select(i => PixelStatistics.Image(splits.Train, i)[0]));
        Assert.Equal([0, 2], Enumerable.Range(0, 2).Select(splits.Test.Label));
        Assert.Equal([242, 41], Enumerable.Range(0, 2).Select(i => PixelStatistics.Image(splits.Test, i)[0]));
        Assert.Same(splits.Train.ClassNames, splits.Test.ClassNames);
        Assert.Equal((3, 8, 8), (splits.Train.Channels, splits.Train.Height, splits.Train.Width));
        Assert.Equal([0.485f, 0.456f, 0.406f], splits.Mean);
        Assert.Equal([0.229f, 0.224f, 0.225f], splits.Deviation);
        Assert.Equal(test.Contains("test", StringComparison.Ordinal) ? 0 : 1, splits.Notes.Count);
        Assert.IsType<InMemoryImageDataset>(splits.Train);
    }

    [Fact]
    public void Folders_above_the_classes_are_passed_over()
    {
        using var folder = new TemporaryFolder();
        Write(folder, "train.tar", [("./data/train", null), .. Train.Select(f => ("./data/train/" + f.Name, f.Bytes))]);
        Write(folder, "test.zip", [.. Test.Select(f => ("test\\" + f.Name.Replace('/', '\\'), f.Bytes))]);

        Assert.Equal(["Dog", "ant", "cat"], Open(folder).Train.ClassNames);
        Assert.Equal(2, Open(folder).Test.Count);
    }

    [Fact]
    public void Other_files_are_passed_over_with_a_note()
    {
        using var folder = new TemporaryFolder();
        Write(folder, "train", [.. Train, ("cat/readme.txt", []), ("Dog/a.gif", [])]);
        Write(folder, "val.tar", [.. Test, ("cat/x.webp", [])]);

        Assert.Equal(
            [
                $"tested on {folder["val.tar"]}: there is no split test",
                $"{folder["train"]}: passed over 2 files that are neither JPEG nor PNG: Dog/a.gif, cat/readme.txt",
                $"{folder["val.tar"]}: passed over 1 file that is neither JPEG nor PNG: cat/x.webp",
            ],
            Open(folder).Notes);
    }

    [Fact]
    public void A_limit_is_spread_over_the_classes_and_the_rest_is_not_decoded()
    {
        using var folder = new TemporaryFolder();
        Write(folder, "train.tar", [.. from c in "abc" from i in Enumerable.Range(0, 4) select ($"{c}/{i}.png", i == 0 ? ImageFiles.Png(4, 4, (byte)c) : [1, 2])]);
        Write(folder, "test", [("a/1.png", ImageFiles.Png(4, 4, 1))]);

        var splits = DataSources.OpenImages("image-folder", new DataOptions { Directory = folder.Root, LimitTrain = 3, LimitTest = 9 });

        Assert.Equal([0, 1, 2], Enumerable.Range(0, splits.Train.Count).Select(splits.Train.Label));
        Assert.Equal(1, splits.Test.Count);
    }

    [Fact]
    public void Images_are_brought_to_a_size_or_left_alone()
    {
        using var folder = new TemporaryFolder();
        byte[] right = ImageFiles.Png(4, 4, 3, (y, x, c) => (byte)((y * 60) + (x * 9) + c));
        Write(folder, "train", [("a/1.png", ImageFiles.Png(8, 16, 7)), ("a/2.png", right)]);
        Write(folder, "test", [("a/1.png", right)]);

        var splits = Open(folder, new JsonObject { ["size"] = 4 });

        Assert.Equal((3, 4, 4), (splits.Train.Channels, splits.Train.Height, splits.Train.Width));
        Assert.All(PixelStatistics.Image(splits.Train, 0), p => Assert.Equal(7, p));
        Assert.Equal(Enumerable.Range(0, 48).Select(i => (byte)((i / 4 % 4 * 60) + (i % 4 * 9) + (i / 16))), PixelStatistics.Image(splits.Train, 1));
        Assert.Equal(
            $"{Path.Combine(folder["train"], "a/2.png")}: 4x4 pixels, expected 16x8 as {Path.Combine(folder["train"], "a/1.png")}; data.size=N brings all to NxN",
            Message(folder));
    }

    [Fact]
    public void What_does_not_fit_is_decoded_when_read()
    {
        using var folder = new TemporaryFolder();
        Write(folder, "train", Train);
        Write(folder, "test.tgz", Test);

        var splits = Open(folder, new JsonObject { ["memory"] = 0, ["channels"] = 1, ["mean"] = new JsonArray(0.5) });

        Assert.IsNotType<InMemoryImageDataset>(splits.Train);
        Assert.Equal([201, 22, 31, 11, 12], Enumerable.Range(0, 5).Select(i => PixelStatistics.Image(splits.Train, i)[0]));
        Assert.Equal([242, 41], Enumerable.Range(0, 2).Select(i => PixelStatistics.Image(splits.Test, i)[63]));
        Assert.Equal([0.5f], splits.Mean);
        Assert.Equal([0.226f], splits.Deviation);
        var loader = new BatchLoader(splits.Train, new BatchLoaderOptions { BatchSize = 5, Workers = 3 });
        Assert.Equal([201, 22, 31, 11, 12], loader.Epoch(0).SelectMany(b => b.SampleIds.ToArray().Zip(b.Inputs.ToArray().Chunk(64))).OrderBy(p => p.First).Select(p => (int)MathF.Round(p.Second[0] * 255)));
    }

    [Theory]
    [InlineData(1024)]
    [InlineData(0)]
    public void Unreadable_images_are_left_out_and_counted_where_that_is_asked_for(int memory)
    {
        using var folder = new TemporaryFolder();
        Write(folder, "train", [("ant/0.png", [1, 2]), .. Train, ("cat/11.png", ImageFiles.Png(8, 8, 99)[..60])]);
        Write(folder, "test", Test);

        var splits = Open(folder, new JsonObject { ["skip_unreadable"] = true, ["memory"] = memory });

        Assert.Equal(memory == 0, splits.Train.DecodesOnRead);
        Assert.Equal([0, 0, 1, 2, 2], Enumerable.Range(0, splits.Train.Count).Select(splits.Train.Label));
        Assert.Equal([201, 22, 31, 11, 12], Enumerable.Range(0, 5).Select(i => PixelStatistics.Image(splits.Train, i)[0]));
        string note = Assert.Single(splits.Notes);
        Assert.StartsWith($"{folder["train"]}: left out 2 of 7 images that cannot be decoded: {folder["train/ant/0.png"]}: neither JPEG nor PNG, it begins with 0x0102, ", note, StringComparison.Ordinal);
        Assert.StartsWith($"{folder["train/ant/0.png"]}: neither JPEG nor PNG", Message(folder), StringComparison.Ordinal);

        Write(folder, "test", [("cat/1.png", ImageFiles.Png(4, 4, 1))]);
        Assert.Contains(
            "4x4 pixels, expected 8x8",
            Assert.Throws<DataFormatException>(() => Open(folder, new JsonObject { ["skip_unreadable"] = true })).Message, StringComparison.Ordinal);
        Write(folder, "test", [("cat/1.png", [1]), ("Dog/1.jpg", [2])]);
        Assert.StartsWith(
            "none of 2 images can be decoded; ",
            Assert.Throws<DataFormatException>(() => Open(folder, new JsonObject { ["skip_unreadable"] = true })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Official_folders_are_found_below_the_given_one_and_unsorted_ones_explained()
    {
        using var folder = new TemporaryFolder();
        Write(folder, "ILSVRC/Data/CLS-LOC/train", Train);
        Write(folder, "ILSVRC/Data/CLS-LOC/val", [("ILSVRC2012_val_00000001.JPEG", Test[0].Bytes), ("ILSVRC2012_val_00000002.JPEG", Test[0].Bytes)]);
        Directory.CreateDirectory(folder["ILSVRC/ImageSets"]);
        string val = Path.Combine(folder["ILSVRC"], "Data", "CLS-LOC", "val");
        foreach (string given in (string[])["", "ILSVRC", "ILSVRC/Data", "ILSVRC/Data/CLS-LOC"])
        {
            Assert.Contains(
                "val: 2 images without folders of classes, ILSVRC2012_val_0000000", Assert.Throws<DataFormatException>(() => DataSources.OpenImages("image-folder", new DataOptions { Directory = folder[given] })).Message, StringComparison.Ordinal);
        }

        Directory.Delete(val, recursive: true);
        Write(folder, "ILSVRC/Data/CLS-LOC/val", Test);
        Assert.Equal(["Dog", "ant", "cat"], Open(folder).Train.ClassNames);
        Write(folder, "ILSVRC/Data/CLS-LOC/val.tar", [("n01440764.tar", [1]), ("n01443537.tar", [2])]);
        Directory.Delete(val, recursive: true);
        Assert.EndsWith("no JPEG or PNG files there but 2 archives, n01440764.tar first: unpack each into a folder with the name of its class", Message(folder), StringComparison.Ordinal);
    }

    [Fact]
    public void Images_are_scaled_first_and_cut_after_as_asked()
    {
        using var folder = new TemporaryFolder();
        byte[] image = ImageFiles.Png(16, 16, 3, (y, x, _) => (byte)(((y * 16) + x) % 251));
        Write(folder, "train", [("a/1.png", image)]);
        Write(folder, "test", [("a/1.png", image)]);

        byte[] found = PixelStatistics.Image(Open(folder, new JsonObject { ["size"] = 6, ["resize"] = 8 }).Train, 0);

        var expected = new byte[3 * 36];
        var planes = new byte[3 * 256];
        ImageDecoder.Decode(image, "x", 3, new ImageHeader(16, 16), planes);
        ImageResizer.Centre(planes, 3, 16, 16, 8, 6, expected);
        Assert.Equal(expected, found);
        Assert.Equal("option 'data.resize' is 5, expected 6 (data.size) to 8192", Assert.Throws<OptionException>(() => Open(folder, new() { ["size"] = 6, ["resize"] = 5 })).Message);
        Assert.Equal(
            "option 'data.resize' says what images are scaled to before they are cut, and needs data.size for the cut",
            Assert.Throws<OptionException>(() => Open(folder, new() { ["resize"] = 5 })).Message);
    }

    [Fact]
    public void What_is_wrong_is_named()
    {
        using var folder = new TemporaryFolder();
        Write(folder, "other/file", Train);
        Assert.Equal(
            $"{folder.Root}: image-folder needs a folder train, or an archive (.tar, .tar.gz, .tgz, .zip) with that in its name; it holds other",
            Message(folder));
        Assert.Equal(
            "data 'image-folder' needs a directory: one with the folders or archives train and test",
            Assert.Throws<OptionException>(() => DataSources.OpenImages("image-folder", new DataOptions())).Message);
        Assert.Equal(
            $"{folder["none"]}: image-folder needs a directory; there is no such directory",
            Assert.Throws<DataFormatException>(() => DataSources.OpenImages("image-folder", new DataOptions { Directory = folder["none"] })).Message);

        Write(folder, "train", Train);
        Assert.Equal(
            $"{folder.Root}: image-folder needs a folder test or val or valid or validation, or an archive (.tar, .tar.gz, .tgz, .zip) with that in its name; it holds other, train",
            Message(folder));

        Write(folder, "val1.zip", Test);
        Write(folder, "val2.tar", Test);
        Assert.Equal($"{folder.Root}: 2 archives for the split val: val1.zip, val2.tar", Message(folder));

        Write(folder, "val", [("1.png", Test[0].Bytes), ("2.png", Test[0].Bytes)]);
        Assert.Equal(
            $"{folder["val"]}: 2 images without folders of classes, 1.png one of them; ImageNet's validation images come so and are to be sorted into CLASS/FILE first",
            Sorted(Message(folder)));

        Write(folder, "test", [("cow/1.png", Test[0].Bytes)]);
        Assert.Equal($"{folder["test"]}: class 'cow' is not in {folder["train"]}, which has Dog, ant, cat", Message(folder));

        Directory.CreateDirectory(folder["test/empty"]);
        Assert.Equal($"{folder["test/empty"]}: no JPEG or PNG files there, and every folder is a class", Message(folder));
        Directory.Delete(folder["test"], recursive: true);

        Write(folder, "test", [("cat/1.png", Test[0].Bytes), ("cat/2.png", [1, 2, 3, 4, 5]), ("cat/3.png", [9])]);
        Assert.Equal($"{folder["test/cat/2.png"]}: neither JPEG nor PNG, it begins with 0x01020304", Message(folder));
        Directory.Delete(folder["test"], recursive: true);

        Write(folder, "test.zip", [("cat/1.png", ImageFiles.Png(8, 4, 1))]);
        Assert.Equal($"{folder["test.zip"]}: cat/1.png: 4x8 pixels, expected 8x8 as {folder["train/Dog/a.JPEG"]}; data.size=N brings all to NxN", Message(folder));

        Write(folder, "test.zip", [("cat/readme.txt", [])]);
        Assert.Equal($"{folder["test.zip"]}: no JPEG or PNG files there, expected CLASS/FILE", Message(folder));
        Write(folder, "test.zip", [("cat/1.png", Test[0].Bytes), ("./cat/1.png", Test[0].Bytes)]);
        Assert.Equal($"{folder["test.zip"]}: ./cat/1.png is there twice", Message(folder).Replace(": cat/1", ": ./cat/1", StringComparison.Ordinal));
        folder.Write("test.zip", [1, 2, 3]);
        Assert.StartsWith($"{folder["test.zip"]}: damaged ZIP data: ", Message(folder), StringComparison.Ordinal);

        Assert.Equal("option 'data.size' is -1, expected 0 to 8192", WrongOption(new() { ["size"] = -1 }));
        Assert.Equal("option 'data.channels' is 2, expected 1 or 3", WrongOption(new() { ["channels"] = 2 }));
        Assert.Equal("option 'data.memory' is -1, expected at least 0", WrongOption(new() { ["memory"] = -1 }));

        string WrongOption(JsonObject values) => Assert.Throws<OptionException>(() => Open(folder, values)).Message;
        static string Sorted(string message) => message.Replace("2.png", "1.png", StringComparison.Ordinal);
    }

    [Fact]
    public void A_damaged_zip_is_our_exception_and_nothing_else()
    {
        byte[] zip = Archives.Zip([.. Train, ("cat/zeros.png", new byte[1000])]);
        Gen.Select(Gen.Byte.Array[1, 4], Gen.Int[0, 100_000], Gen.Int[0, 2]).Sample(
            (bytes, at, how) =>
            {
                try
                {
                    byte[] file = Damage.Of(zip, bytes, at, how);
                    foreach (var _ in ZipArchiveReader.Read(new MemoryStream(file), "x", new ByteBudget(file.Length, "x"), _ => true))
                    {
                    }
                }
                catch (DataFormatException e)
                {
                    return e.Message.StartsWith("x: ", StringComparison.Ordinal);
                }

                return true;
            },
            iter: 5_000, seed: "0000000000001");
    }

    [DataFact("cifar10-jpeg/cifar10-test.tar.gz", "cifar10-resnet20/check-images.bin")]
    public void Ten_thousand_real_images_are_decoded()
    {
        using var folder = new TemporaryFolder();
        string archive = DataFolder.Path("cifar10-jpeg/cifar10-test.tar.gz");
        File.CreateSymbolicLink(folder["test.tar.gz"], archive);
        Write(folder, "train", [.. Cifar10.ClassNames.Select(c => ($"{c}/1.png", (byte[]?)ImageFiles.Png(32, 32, 0)))]);

        var test = Open(folder).Test;

        Assert.Equal((10_000, 3, 32, 32), (test.Count, test.Channels, test.Height, test.Width));
        Assert.Equal(Cifar10.ClassNames, test.ClassNames);
        Assert.All(Enumerable.Range(0, 10_000), i => Assert.Equal(i / 1000, test.Label(i)));

        // Another decoder's statistics of the same files.
        var (mean, deviation) = PixelStatistics.Of(test);
        Assert.All(mean.Zip([0.49407, 0.48506, 0.45038]), p => Assert.Equal(p.Second, p.First, 0.002));
        Assert.All(deviation.Zip([0.24485, 0.24220, 0.26058]), p => Assert.Equal(p.Second, p.First, 0.002));

        // Another decoder's pixels of the first eight images and of the first one of each other class.
        var check = Cifar10.Read(DataFolder.Path("cifar10-resnet20/check-images.bin"));
        for (int i = 0; i < check.Count; i++)
        {
            int index = i < 8 ? i : 1000 * (i - 7);
            Assert.Equal(check.Label(i), test.Label(index));
            Assert.All(PixelStatistics.Image(check, i).Zip(PixelStatistics.Image(test, index)), p => Assert.InRange(p.First - p.Second, -4, 4));
        }
    }

    private static void Write(TemporaryFolder folder, string name, params IEnumerable<(string Name, byte[]? Bytes)> files)
    {
        switch (Path.GetExtension(name))
        {
            case ".zip":
                folder.Write(name, Archives.Zip(files));
                break;
            case ".tar":
                folder.Write(name, Archives.Tar(TarEntryFormat.Ustar, files));
                break;
            case ".gz" or ".tgz":
                folder.Write(name, IdxFiles.Gzip(Archives.Tar(TarEntryFormat.Pax, files)));
                break;
            default:
                foreach (var (file, bytes) in files)
                {
                    folder.Write(Path.Combine(name, file), bytes!);
                }

                break;
        }
    }

    private static ImageSplits Open(TemporaryFolder folder, JsonObject? values = null) =>
        DataSources.OpenImages("image-folder", new DataOptions { Directory = folder.Root, Values = values });

    private static string Message(TemporaryFolder folder) => Assert.Throws<DataFormatException>(() => Open(folder)).Message;
}
