using SmartFrz.Nn.Options;
using SmartFrz.Nn.Weights;

namespace SmartFrz.Freeze.Tests;

public sealed class HistoryDatasetTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Fact]
    public void What_was_written_is_read_again()
    {
        var data = ToyHistories.Make(9);
        data.Write(_folder["h"]);
        AssertSame(data, HistoryDataset.Read(_folder["h"]));
        var empty = new HistoryDataset(ToyHistories.Options with { Redraw = true }, "");
        empty.Write(_folder["e"]);
        AssertSame(empty, HistoryDataset.Read(_folder["e"]));
    }

    [Fact]
    public void Parts_with_the_same_options_merge()
    {
        var all = HistoryDataset.Merge([ToyHistories.Make(3), ToyHistories.Make(2)]);
        Assert.Equal(5, all.Records.Count);
        Assert.Equal(ToyHistories.Make(2).Window(1).ToArray(), all.Window(4).ToArray());
        Assert.Equal("by hand ; by hand", all.Command);
        var e = Assert.Throws<OptionException>(() => HistoryDataset.Merge([ToyHistories.Make(1), new HistoryDataset(new WeightHistoryOptions(), "")]));
        Assert.Contains("30 x 1024", e.Message, StringComparison.Ordinal);
        Assert.Contains("4 x 16", e.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => HistoryDataset.Merge([]));
    }

    [Fact]
    public void Labels_are_made_anew_curve_by_curve()
    {
        var data = new HistoryDataset(ToyHistories.Options, "");
        double[] rising = [0.1, 0.5, 0.8, 0.8], steady = [0.9, 0.9, 0.9, 0.9];
        for (int i = 3; i >= 0; i--)
        {
            // Written from the end on: a curve is in the order of its steps.
            data.Add(Record("a", 1, i, rising[i]), new Half[64]);
            data.Add(Record("b", 1, i, steady[i]), new Half[64]);
        }

        data.Relabel(new LabelRule());
        Assert.All(data.Records, r => Assert.Equal(r.Layer == "b" || r.Step >= 2, r.Freeze));
        data.Relabel(new LabelRule { LeastSimilarity = 0.95 });
        Assert.All(data.Records, r => Assert.False(r.Freeze));
    }

    [Fact]
    public void A_window_of_another_size_is_refused() =>
        Assert.Throws<ArgumentException>(() => ToyHistories.Make(1).Add(Record("a", 1, 0, 0), new Half[3]));

    [Fact]
    public void A_record_names_its_run() => Assert.Equal("net/toy/7", Record("a", 7, 0, 0).Run);

    [Theory]
    [InlineData("missing")]
    [InlineData("short")]
    [InlineData("other format")]
    [InlineData("no options")]
    [InlineData("broken options")]
    [InlineData("senseless options")]
    [InlineData("unknown option")]
    [InlineData("no records")]
    [InlineData("broken records")]
    [InlineData("empty record")]
    [InlineData("fewer windows")]
    [InlineData("other type")]
    [InlineData("no windows")]
    public void A_damaged_file_is_refused_in_one_line(string damage)
    {
        string path = _folder["h"];
        ToyHistories.Make(3).Write(path);
        var file = SafeTensors.Read(path);
        switch (damage)
        {
            case "missing":
                path += "x";
                break;
            case "short":
                File.WriteAllBytes(path, File.ReadAllBytes(path)[..^5]);
                break;
            case "other format":
                file.Metadata["smartfrz.histories"] = "2";
                break;
            case "no options":
                file.Metadata.Remove("options");
                break;
            case "broken options":
                file.Metadata["options"] = "{";
                break;
            case "senseless options":
                file.Metadata["options"] = """{"window": 2000000000, "samples": 2000000000}""";
                break;
            case "unknown option":
                file.Metadata["options"] = """{"windows": 4}""";
                break;
            case "no records":
                file.Metadata.Remove("records");
                break;
            case "broken records":
                file.Metadata["records"] = """[{"model": 3}]""";
                break;
            case "empty record":
                file.Metadata["records"] = "[null, null, null]";
                break;
            case "fewer windows":
                file.Tensors["windows"] = StoredTensor.Of(new Half[2 * 64], 2, 4, 16);
                break;
            case "other type":
                file.Tensors["windows"] = StoredTensor.Of(new float[3 * 64], 3, 4, 16);
                break;
            default:
                file.Tensors.Remove("windows");
                break;
        }

        if (damage is not ("missing" or "short"))
        {
            file.Write(path);
        }

        var e = Assert.Throws<WeightsFormatException>(() => HistoryDataset.Read(path));
        Assert.StartsWith(path, e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', e.Message);
    }

    public void Dispose() => _folder.Dispose();

    private static HistoryRecord Record(string layer, ulong seed, long step, double similarity) => new("net", "toy", seed, layer, step, 0, similarity, false);

    private static void AssertSame(HistoryDataset expected, HistoryDataset actual)
    {
        Assert.Equal(expected.Options, actual.Options);
        Assert.Equal(expected.Command, actual.Command);
        Assert.Equal(expected.Records, actual.Records);
        for (int i = 0; i < expected.Records.Count; i++)
        {
            Assert.Equal(expected.Window(i).ToArray(), actual.Window(i).ToArray());
        }
    }
}
