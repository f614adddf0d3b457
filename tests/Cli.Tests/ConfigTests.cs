using System.Text.Json;
using SmartFrz.Nn.Weights;

namespace SmartFrz.Cli.Tests;

/// <summary><c>config.json</c>.</summary>
public sealed class ConfigTests : Smartfrz
{
    [Theory]
    [InlineData("--model", "resnet8", "--set", "model.width=2", "--data", "synthetic", "--set", "data.size=8", "--limit-train", "48", "--policy", "smartfrz", "--set", "freeze.units=layers")]
    [InlineData("--model", "cnn", "--set", "model.width=2", "--limit-train", "64", "--limit-test", "20", "--optimizer", "adamw", "--schedule", "step", "--policy", "linear", "--set", "freeze.freeze_start=0.2")]
    [InlineData("--model", "cnn", "--set", "model.width=2", "--limit-train", "64", "--limit-test", "20", "--policy", "schedule", "--set", "freeze.schedule=[\"conv1@1\"]", "--set", "freeze.mode=free", "--label-smoothing", "0.1")]
    public void A_run_from_the_configuration_of_another_is_the_same_run(params string[] options)
    {
        using var folder = new TemporaryFolder();
        string[] common = ["--batch", "16", "--device", "cpu", "--threads", "1", "--quiet", "--json"];
        var first = Run(["train", .. common, "--epochs", "2", .. options, "--out", folder["first"]]).Json;

        var second = Run("train", "--config", folder["first/config.json"], "--quiet", "--json", "--out", folder["second"]).Json;

        Assert.Equal(File.ReadAllText(folder["first/config.json"]), File.ReadAllText(folder["second/config.json"]));
        Assert.Equal(File.ReadAllText(folder["first/freeze.jsonl"]), File.ReadAllText(folder["second/freeze.jsonl"]));
        foreach (string key in new[] { "model", "data", "policy", "steps", "test_accuracy", "train_loss", "flops", "launches", "memory", "frozen" })
        {
            Assert.Equal(first.GetProperty(key).GetRawText(), second.GetProperty(key).GetRawText());
        }

        var (expected, actual) = (Tensors("first"), Tensors("second"));
        Assert.Equal(expected.Keys, actual.Keys);
        Assert.All(expected, t => Assert.True(t.Value.Bytes.Span.SequenceEqual(actual[t.Key].Bytes.Span), t.Key));

        OrderedDictionary<string, StoredTensor> Tensors(string run) => SafeTensors.Read(folder[$"{run}/checkpoints/last.safetensors"]).Tensors;
    }

    [Fact]
    public void Defaults_are_written_out()
    {
        using var folder = new TemporaryFolder();
        Assert.Equal(0, Run([.. Small.Train, "--policy", "smartfrz", "--quiet", "--out", folder["out"]]).Code);
        var config = JsonDocument.Parse(File.ReadAllText(folder["out/config.json"])).RootElement;

        Assert.Equal(["name", "num_classes", "in_channels", "image_size", "width", "shortcut"], Keys("model"));
        Assert.Equal(["name", "train", "test", "classes", "channels", "size", "noise", "seed", "resized_crop"], Keys("data"));
        Assert.Equal(["name", "momentum", "nesterov", "lr", "weight_decay", "groups"], Keys("optimizer"));
        Assert.Equal(["name", "final_lr", "warmup_steps"], Keys("schedule"));
        Assert.Equal(["policy", "mode", "units", "threshold", "combine", "votes", "stages_per_epoch", "stage_share", "sample_seed"], Keys("freeze"));
        Assert.Equal((8, 3), (config.GetProperty("model").GetProperty("image_size").GetInt32(), config.GetProperty("model").GetProperty("in_channels").GetInt32()));
        Assert.Equal("prefix", config.GetProperty("freeze").GetProperty("mode").GetString());
        Assert.Equal("blocks", config.GetProperty("freeze").GetProperty("units").GetString());
        Assert.Contains("clip_norm", Keys("train"));

        IEnumerable<string> Keys(string section) => config.GetProperty(section).EnumerateObject().Select(p => p.Name);
    }

    [Fact]
    public void Another_name_on_the_command_line_leaves_the_options_of_the_old_one_behind()
    {
        using var folder = new TemporaryFolder();
        Assert.Equal(0, Run([.. Small.Train, "--policy", "smartfrz", "--set", "freeze.mode=free", "--quiet", "--out", folder["first"]]).Code);

        var second = Run("train", "--config", folder["first/config.json"], "--policy", "linear", "--optimizer", "adamw", "--schedule", "constant", "--quiet", "--json", "--out", folder["second"]).Json;

        Assert.Equal("linear", second.GetProperty("policy").GetString());
        var config = JsonDocument.Parse(File.ReadAllText(folder["second/config.json"])).RootElement;
        // AdamW's own learning rate, not that of SGD; what belongs to every policy stays.
        Assert.Equal(0.001f, config.GetProperty("optimizer").GetProperty("lr").GetSingle());
        Assert.Equal("free", config.GetProperty("freeze").GetProperty("mode").GetString());
        Assert.False(config.GetProperty("freeze").TryGetProperty("threshold", out _));
    }

    [Fact]
    public void What_was_passed_over_in_the_data_is_said()
    {
        // Eight rows of eight grey pixels.
        byte[] image = Convert.FromBase64String("iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAAAAADhZOFXAAAADklEQVR42mM4AQUMlDEACLEyAbXAq2UAAAAASUVORK5CYII=");
        using var folder = new TemporaryFolder();
        foreach (string name in new[] { "train/cat/1.png", "train/cat/2.png", "train/dog/1.png", "train/dog/2.png", "test/cat/1.png", "test/dog/1.png" })
        {
            folder.Write(name, image);
        }

        folder.Write("train/cat/readme.txt", [1]);
        string[] options = [.. Small.Network, "--data", "image-folder", "--data-dir", folder.Root, "--batch", "2"];
        string note = $"smartfrz: {folder["train"]}: passed over 1 file that is neither JPEG nor PNG: cat/readme.txt";

        var train = Run(["train", .. options, "--policy", "none", "--epochs", "1", "--quiet", "--json", "--out", folder["out"]]);
        var compare = Run(["compare", .. options, "--policies", "none,linear", "--seeds", "1", "--epochs", "1", "--quiet", "--json", "--out", folder["compared"]]);
        var eval = Run(["eval", .. options, "--weights", folder["out/checkpoints/last.safetensors"], "--json"]);

        Assert.All([train, compare, eval], outcome => Assert.Equal((0, note), (outcome.Code, outcome.Error.TrimEnd())));
    }
}
