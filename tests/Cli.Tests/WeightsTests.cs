using SmartFrz.Nn.Weights;

namespace SmartFrz.Cli.Tests;

public sealed class WeightsTests : Smartfrz, IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Convert_keeps_every_tensor_and_text()
    {
        var source = new SafeTensors { Tensors = { ["flag"] = StoredTensor.Of(new byte[] { 1, 2, 3 }, 3), ["a"] = StoredTensor.Of([1f, float.NaN], 2), ["count"] = StoredTensor.Of([7L]) } };
        source.Metadata["author"] = "somebody";
        source.Write(_folder["in"]);

        var outcome = Run("weights", "convert", _folder["in"], _folder["sub/out.safetensors"]);

        Assert.Equal((0, ""), (outcome.Code, outcome.Error));
        Assert.Contains("3 tensors, 6 values", outcome.Output, StringComparison.Ordinal);
        var target = SafeTensors.Read(_folder["sub/out.safetensors"]);
        // Wide elements first, so that each is aligned.
        Assert.Equal(["count", "a", "flag"], target.Tensors.Keys);
        Assert.All(target.Tensors, t => Assert.True(t.Value.Bytes.Span.SequenceEqual(source.Tensors[t.Key].Bytes.Span)));
        Assert.Equal("somebody", target.Metadata["author"]);
        Assert.Equal("pt", target.Metadata["format"]);
        // A file of its own form comes out as it is, also onto itself.
        byte[] before = File.ReadAllBytes(_folder["sub/out.safetensors"]);
        Assert.Equal(0, Run("weights", "convert", _folder["sub/out.safetensors"], _folder["sub/out.safetensors"]).Code);
        Assert.Equal(before, File.ReadAllBytes(_folder["sub/out.safetensors"]));
    }

    [Fact]
    public void A_file_of_torch_save_is_converted_and_its_floats_take_the_type_asked_for()
    {
        string source = Path.Combine(Repository.Root, "tests", "Nn.Tests", "Weights", "Golden", "checkpoint.pth");

        Assert.Contains("7 tensors, 22 values", Run("weights", "convert", source, _folder["a.safetensors"]).Output, StringComparison.Ordinal);
        Assert.Equal(0, Run("weights", "convert", source, _folder["b.safetensors"], "--dtype", "bf16").Code);

        var (full, half) = (SafeTensors.Read(_folder["a.safetensors"]).Tensors, SafeTensors.Read(_folder["b.safetensors"]).Tensors);
        Assert.Equal(full.Keys.Order(StringComparer.Ordinal), half.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(("F32 (3,2)", "BF16 (3,2)"), (full["0.weight"].ToString(), half["0.weight"].ToString()));
        Assert.Equal([0f, 1f, 2f, 3f, 4f, 5f], half["0.weight"].ToFloats());
        Assert.Equal("I64 ()", half["1.num_batches_tracked"].ToString());
    }

    [Fact]
    public void Of_a_checkpoint_the_network_is_taken()
    {
        string[] run = ["--model", "resnet8", "--set", "model.width=2", "--data", "synthetic", "--set", "data.size=8", "--set", "data.train=32", "--device", "cpu", "--limit-test", "16"];
        Assert.Equal(0, Run(["train", .. run, "--epochs", "1", "--batch", "16", "--policy", "none", "--quiet", "--out", _folder["run"]]).Code);
        string checkpoint = Directory.EnumerateFiles(_folder["run/checkpoints"], "*.safetensors").First();

        Assert.Equal(0, Run("weights", "convert", checkpoint, _folder["weights.safetensors"]).Code);

        var weights = SafeTensors.Read(_folder["weights.safetensors"]);
        Assert.Contains("layer1.0.conv1.weight", weights.Tensors.Keys);
        Assert.DoesNotContain(weights.Tensors.Keys, k => k.StartsWith("optim.", StringComparison.Ordinal) || k.StartsWith("model.", StringComparison.Ordinal));
        Assert.Equal(["format"], weights.Metadata.Keys);
        string Accuracy(string file) => Run(["eval", .. run, "--weights", file, "--json"]).Output;
        Assert.Equal(Accuracy(checkpoint), Accuracy(_folder["weights.safetensors"]));
    }

    [Fact]
    public void What_cannot_be_converted_is_refused_and_the_target_stays()
    {
        byte[] old = [1, 2, 3];
        string target = _folder.Write("out.safetensors", old);
        var file = new SafeTensors { Tensors = { ["a"] = StoredTensor.Of([1f, 2f], 2) } };
        file.Write(_folder["sound"]);
        byte[] sound = File.ReadAllBytes(_folder["sound"]);

        string RefusedInput(string name, byte[] bytes) => Refused("weights", "convert", _folder.Write(name, bytes), target);
        Assert.StartsWith($"{_folder["cut"]}: ", RefusedInput("cut", sound[..^1]), StringComparison.Ordinal);
        Assert.StartsWith($"{_folder["text"]}: ", RefusedInput("text", "just a text, nothing else"u8.ToArray()), StringComparison.Ordinal);
        Assert.StartsWith($"{_folder["empty"]}: 0 bytes", RefusedInput("empty", []), StringComparison.Ordinal);
        Assert.StartsWith($"{_folder["zip.pth"]}: ", RefusedInput("zip.pth", "PK\u0003\u0004 and so on"u8.ToArray()), StringComparison.Ordinal);
        Assert.Equal(
            $"{_folder["legacy.th"]}: truncated or damaged pickle, 1 bytes wanted at byte 14, 0 are there",
            RefusedInput("legacy.th", [0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19]));
        Assert.Equal("option '--dtype' is 'int4', expected f64, f32, f16, bf16", Refused("weights", "convert", _folder["sound"], target, "--dtype", "int4"));
        Assert.Equal($"{_folder["none"]}: there is no such file", Refused("weights", "convert", _folder["none"], target));
        Assert.Equal($"output '{_folder["out.pth"]}': weights are written as .safetensors only", Refused("weights", "convert", _folder["sound"], _folder["out.pth"]));
        Directory.CreateDirectory(_folder["d.safetensors"]);
        Assert.Equal($"output '{_folder["d.safetensors"]}' is a directory, expected a file", Refused("weights", "convert", _folder["sound"], _folder["d.safetensors"]));
        Assert.Equal(old, File.ReadAllBytes(target));
        Assert.DoesNotContain(Directory.EnumerateFiles(_folder.Root), f => f.EndsWith(".tmp", StringComparison.Ordinal));
    }
}
