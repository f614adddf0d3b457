using SmartFrz.Kernels.Cpu;
using SmartFrz.Nn;
using SmartFrz.Nn.Weights;
using SmartFrz.Tensors;

namespace SmartFrz.Cli.Tests;

public sealed class EvalTests : Smartfrz
{
    private static readonly string[] Small = ["--model", "resnet8", "--set", "model.width=2", "--data", "synthetic", "--set", "data.size=8", "--device", "cpu"];

    [Fact]
    public void Eval_as_json()
    {
        using var folder = new TemporaryFolder();
        string weights = folder["weights.safetensors"];
        Save(weights, "\"in_channels\":3,\"width\":2");

        var json = Run(["eval", .. Small, "--weights", weights, "--limit-test", "50", "--batch", "16", "--json"]).Json;

        Assert.Equal(["test_accuracy", "test_loss", "correct", "total"], json.EnumerateObject().Select(p => p.Name));
        Assert.Equal(50, json.GetProperty("total").GetInt64());
        Assert.Equal(json.GetProperty("correct").GetInt64() / 50.0, json.GetProperty("test_accuracy").GetDouble(), 12);
        Assert.InRange(json.GetProperty("test_loss").GetDouble(), 0.1, 100);
        Assert.Contains("of 50 right", Run(["eval", .. Small, "--weights", weights, "--limit-test", "50"]).Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Weights_that_do_not_fit_are_refused_or_left_out()
    {
        using var folder = new TemporaryFolder();
        string weights = folder["weights.safetensors"];
        Save(weights, "\"in_channels\":3,\"width\":2,\"num_classes\":7");

        string strict = Refused(["eval", .. Small, "--weights", weights]);
        var partial = Run(["eval", .. Small, "--weights", weights, "--weights-partial", "--limit-test", "20", "--json"]);

        string what = $"{weights}: 2 tensors do not fit resnet8: linear.weight is (7,8), the network has (10,8); linear.bias is (7), the network has (10)";
        Assert.Equal(what, strict);
        Assert.Equal(20, partial.Json.GetProperty("total").GetInt64());
        Assert.Equal(what, partial.Message);
        Assert.Equal("eval needs --weights", Refused(["eval", .. Small]));
        Assert.Equal($"{folder["none"]}: there is no such file", Refused(["eval", .. Small, "--weights", folder["none"]]));
        folder.Write("damaged", File.ReadAllBytes(weights)[..^1]);
        Assert.StartsWith(folder["damaged"] + ": ", Refused(["eval", .. Small, "--weights", folder["damaged"]]), StringComparison.Ordinal);
    }

    [DataFact("cifar10-jpeg/cifar10-test.tar.gz", "cifar10-resnet20/resnet20.safetensors")]
    public void Accuracy_of_a_network_trained_by_others()
    {
        var json = Run(
            "eval", "--model", "resnet20", "--data", "image-folder", "--data-dir", DataFolder.Path("cifar10-jpeg"), "--device", "cpu",
            "--weights", DataFolder.Path("cifar10-resnet20/resnet20.safetensors"), "--json").Json;

        // 8,108 of the 10,000 as PyTorch classifies the same pixels; a few are close calls.
        Assert.InRange(json.GetProperty("correct").GetInt64(), 8108 - 5, 8108 + 5);
        Assert.Equal(10_000, json.GetProperty("total").GetInt64());
        Assert.Equal(0.878906, json.GetProperty("test_loss").GetDouble(), 4);
    }

    private static void Save(string path, string options)
    {
        using var device = new CpuDevice(1);
        using var engine = new Engine(device);
        using var network = ModelZoo.Build(ModuleScope.Root(engine, 5), "resnet8", System.Text.Json.Nodes.JsonNode.Parse($"{{{options}}}")!.AsObject());
        WeightsFile.Save(network, path);
    }
}
