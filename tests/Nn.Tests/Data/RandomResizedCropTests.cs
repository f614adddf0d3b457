using System.Text.Json.Nodes;
using SmartFrz.Nn.Data;
using SmartFrz.Nn.Options;

namespace SmartFrz.Nn.Tests;

public sealed class RandomResizedCropTests
{
    [Theory]
    [InlineData(40, 60)]
    [InlineData(1, 1)]
    [InlineData(1, 400)]
    [InlineData(400, 3)]
    public void Parts_lie_inside(int height, int width)
    {
        var generator = Augmentation.Generator(3, 2);
        for (int id = 0; id < 2000; id++)
        {
            var (top, left, h, w) = RandomResizedCrop.Draw(generator, id, 0.08, height, width);

            Assert.True(top >= 0 && left >= 0 && h >= 1 && w >= 1 && top + h <= height && left + w <= width, $"{top} {left} {h} {w}");
        }
    }

    [Fact]
    public void Areas_and_sides_are_as_asked()
    {
        const int images = 4000, side = 1000;
        var generator = Augmentation.Generator(3, 2);
        var boxes = Enumerable.Range(0, images).Select(id => RandomResizedCrop.Draw(generator, id, 0.25, side, side)).ToList();

        double[] areas = [.. boxes.Select(b => (double)b.Height * b.Width / (side * side))];
        Assert.InRange(areas.Min(), 0.249, 0.26);
        Assert.All(boxes, b => Assert.InRange((double)b.Width / b.Height, 0.745, 1.342));
        // Uniform from 0.25 to 1 but for the largest, of which those that are no square enough do not fit: below the middle.
        Assert.InRange(areas.Average(), 0.55, 0.625);
        Assert.InRange(boxes.Average(b => b.Top + (b.Height / 2.0)), 490, 510);
        Assert.InRange(boxes.Average(b => b.Left + (b.Width / 2.0)), 490, 510);
        Assert.Equal(boxes, Enumerable.Range(0, images).Select(id => RandomResizedCrop.Draw(Augmentation.Generator(3, 2), id, 0.25, side, side)));
        Assert.NotEqual(boxes, Enumerable.Range(0, images).Select(id => RandomResizedCrop.Draw(Augmentation.Generator(3, 3), id, 0.25, side, side)));
    }

    [Fact]
    public void A_key_says_which_part()
    {
        var generator = Augmentation.Generator(1, 1);
        var boxes = Enumerable.Range(0, 500).Select(id => RandomResizedCrop.Draw(generator, id, 0.08, 300, 200)).Distinct().ToList();

        ulong[] keys = [.. boxes.SelectMany(b => new[] { RandomResizedCrop.Key(b, false), RandomResizedCrop.Key(b, true) })];
        Assert.Equal(2 * boxes.Count, keys.Distinct().Count());
        Assert.All(keys, k => Assert.NotEqual(Augmentation.FromKey(k).Key, k));
    }

    [Fact]
    public void Training_sees_parts_of_stored_images_and_evaluation_their_middles()
    {
        using var folder = new TemporaryFolder();
        // The brightness grows by 4 a column: a part tells by its range how wide it is.
        byte[] wide = ImageFiles.Png(16, 48, 3, (_, x, _) => (byte)(x * 4));
        for (int i = 0; i < 8; i++)
        {
            folder.Write($"train/a/{i}.png", wide);
        }

        folder.Write("val/a/0.png", wide);
        var values = new JsonObject { ["size"] = 8, ["resized_crop"] = 0.3, ["mean"] = new JsonArray(0, 0, 0), ["std"] = new JsonArray(1, 1, 1) };
        var splits = DataSources.OpenImages("image-folder", new DataOptions { Directory = folder.Root, Values = values, Threads = 2 });

        Assert.True(splits.Train.DecodesOnRead);
        var loader = (BatchLoader)splits.Training(new TrainingBatchOptions { BatchSize = 8, Flip = true });
        Assert.Equal((0.3, 2), (loader.Options.ResizedCrop, loader.Options.Workers));
        var epochs = Enumerable.Range(0, 2).Select(e => loader.Epoch(e).Select(b => (Inputs: b.Inputs.ToArray(), Keys: b.AugmentationKeys.ToArray())).Single()).ToList();
        Assert.Equal(epochs[0].Inputs, loader.Epoch(0).Single().Inputs.ToArray());
        Assert.NotEqual(epochs[0].Inputs, epochs[1].Inputs);
        Assert.Equal(8, epochs[0].Keys.Distinct().Count());
        // The centre crop of 16x48 is the middle third: brightness from 64 to 124.
        float[] middle = ((BatchLoader)splits.Evaluation(1)).Epoch(0).Single().Inputs.ToArray();
        Assert.InRange(middle.Min() * 255, 64, 70);
        Assert.InRange(middle.Max() * 255, 118, 124);
        // Random parts see the sides too.
        Assert.True(epochs[0].Inputs.Min() * 255 < 40 || epochs[0].Inputs.Max() * 255 > 150);

        var small = new JsonObject { ["resized_crop"] = 0.5, ["train"] = 20, ["test"] = 10, ["size"] = 6 };
        var synthetic = (BatchLoader)DataSources.OpenImages("synthetic", new DataOptions { Values = small }).Training(new TrainingBatchOptions { BatchSize = 20 });
        Assert.Equal(20, synthetic.Epoch(0).Single().AugmentationKeys.ToArray().Count(k => k >> 63 == 1));
        Assert.Equal(
            "random parts of images and crops after padding exclude each other: only one may be asked for",
            Assert.Throws<OptionException>(() => DataSources.OpenImages("synthetic", new DataOptions { Values = small }).Training(new TrainingBatchOptions { BatchSize = 20, CropPadding = 1 })).Message);
        small["resized_crop"] = 1.5;
        Assert.Equal("option 'data.resized_crop' is 1.5, expected 0 to 1", Assert.Throws<OptionException>(() => DataSources.OpenImages("synthetic", new DataOptions { Values = small })).Message);
    }
}
