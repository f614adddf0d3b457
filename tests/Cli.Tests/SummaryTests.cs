namespace SmartFrz.Cli.Tests;

public sealed class SummaryTests : Smartfrz
{
    [Fact]
    public void Summary_as_json()
    {
        var json = Run("summary", "--model", "resnet20", "--device", "cpu", "--threads", "1", "--json").Json;

        // The ResNet-20 of arXiv 1512.03385 has 0.27 M parameters: 269,722 with parameter-free shortcuts.
        Assert.Equal(269_722, json.GetProperty("parameters").GetInt64());
        Assert.Equal(40_551_040, json.GetProperty("multiply_adds").GetInt64());
        var units = json.GetProperty("units").EnumerateArray().ToList();
        Assert.Equal(11, units.Count);
        Assert.Equal("stem", units[0].GetProperty("name").GetString());
        Assert.Equal(["conv1", "bn1"], units[0].GetProperty("prefixes").EnumerateArray().Select(p => p.GetString()));
        Assert.Equal(464, units[0].GetProperty("parameters").GetInt64());
        Assert.Equal(32 * 32 * 16 * 27, units[0].GetProperty("multiply_adds").GetInt64());
        Assert.Equal(269_722, units.Sum(u => u.GetProperty("parameters").GetInt64()));
    }

    [Fact]
    public void Summary_shows_single_layers_as_units_where_they_freeze_by_themselves()
    {
        string[] small = ["summary", "--model", "bert_base", "--set", "model.layers=1", "--set", "model.hidden=8", "--set", "model.heads=2", "--set", "model.vocab_size=20", "--device", "cpu", "--json"];
        string[] Units(params string[] more) => [.. Run([.. small, .. more]).Json.GetProperty("units").EnumerateArray().Select(u => u.GetProperty("name").GetString()!)];

        Assert.Equal(["stem", "bert.encoder.layer.0", "head"], Units());
        string[] layers = Units("--set", "freeze.units=layers");
        Assert.Equal(11, layers.Length);
        Assert.Equal("bert.encoder.layer.0.attention.self.query", layers[3]);
    }

    [Fact]
    public void Summary_follows_the_data_where_they_are_named()
    {
        long Parameters(params string[] more) => Run(["summary", "--model", "resnet8", "--device", "cpu", "--json", .. more]).Json.GetProperty("parameters").GetInt64();

        // One channel instead of three.
        Assert.Equal(2 * 9 * 16, Parameters() - Parameters("--data", "fashion-mnist"));
        // Head of a hundred classes instead of ten.
        Assert.Equal(90 * 65, Parameters("--set", "model.num_classes=100") - Parameters());
    }

    [Fact]
    public void Summary_shows_what_is_frozen()
    {
        var outcome = Run("summary", "--model", "cnn", "--device", "cpu", "--freeze", "conv1,fc1.bias");

        Assert.Equal(0, outcome.Code);
        Assert.Contains("frozen", Line("conv1"), StringComparison.Ordinal);
        Assert.Contains("yes", Line("conv2"), StringComparison.Ordinal);
        Assert.Contains("in part", Line("fc1"), StringComparison.Ordinal);
        Assert.StartsWith(
            "no module or parameter of cnn is named 'con1', did you mean 'conv1'?",
            Refused("summary", "--model", "cnn", "--device", "cpu", "--freeze", "con1"),
            StringComparison.Ordinal);

        string Line(string layer) => outcome.Output.Split('\n').First(l => l.Contains($"│ {layer} ", StringComparison.Ordinal));
    }

    [Fact]
    public void Devices_are_listed_with_the_reason_where_there_is_none()
    {
        var devices = Run("devices", "--json").Json.GetProperty("devices").EnumerateArray().ToList();

        Assert.Equal("cpu", devices[0].GetProperty("id").GetString());
        Assert.True(devices[0].GetProperty("is_usable").GetBoolean());
        Assert.All(devices, d => Assert.Equal(d.GetProperty("is_usable").GetBoolean(), d.GetProperty("reason").GetString()!.Length == 0));
        Assert.Contains(devices, d => d.GetProperty("id").GetString()!.StartsWith("cuda", StringComparison.Ordinal));
        Assert.Contains("cpu", Run("devices").Output, StringComparison.Ordinal);
    }
}
