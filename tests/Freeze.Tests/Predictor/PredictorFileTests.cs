using System.Text.Json.Nodes;
using SmartFrz.Kernels.Cpu;
using SmartFrz.Nn;
using SmartFrz.Nn.Weights;
using SmartFrz.Tensors;

namespace SmartFrz.Freeze.Tests;

public sealed class PredictorFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly CpuDevice _device = new(threads: 1);
    private readonly Engine _engine;

    public PredictorFileTests() => _engine = new Engine(_device);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_was_written_is_built_again(bool additive)
    {
        using var predictor = new AttentionPredictor(ModuleScope.Root(_engine, 9), TestPredictor.Sizes(additive: additive));
        PredictorFile.Write(_folder["p"], predictor, new JsonObject { ["command"] = "by hand", ["seeds"] = new JsonArray(1, 2) });
        var file = PredictorFile.Read(_folder["p"]);
        Assert.Equal("""{"command":"by hand","seeds":[1,2]}""", file.Provenance.ToJsonString());
        Assert.Equal(predictor.Options.History, file.Options.History);
        Assert.Equal(predictor.Options.Hidden, file.Options.Hidden);
        Assert.Equal(additive, file.Options.Additive);
        using var again = file.Build(_engine);
        Assert.Equal(predictor.Parameters().Select(p => p.Name), again.Parameters().Select(p => p.Name));
        Assert.All(predictor.Parameters().Zip(again.Parameters()), p => Assert.Equal(FrozenRun.BytesOf(p.First.Value), FrozenRun.BytesOf(p.Second.Value)));
    }

    [Fact]
    public void The_library_has_a_predictor_of_its_own()
    {
        var file = PredictorFile.Default;
        Assert.Equal(new WeightHistoryOptions(), file.Options.History);
        Assert.NotEmpty(file.Provenance);
        Assert.NotEmpty(file.Evaluation!.TrainingRuns);
        Assert.Empty(file.Evaluation.LearnedHeldOutRuns);
        using var predictor = file.Build(_engine);
        Assert.All(predictor.Parameters(), p => Assert.All(p.Value.ToArray(), v => Assert.True(float.IsFinite(v))));
    }

    [Theory]
    [InlineData("missing")]
    [InlineData("short")]
    [InlineData("text")]
    [InlineData("other format")]
    [InlineData("no format")]
    [InlineData("no options")]
    [InlineData("broken options")]
    [InlineData("empty options")]
    [InlineData("unknown option")]
    [InlineData("one hidden layer")]
    [InlineData("no window")]
    [InlineData("huge window")]
    [InlineData("no provenance")]
    [InlineData("broken provenance")]
    [InlineData("empty provenance")]
    public void A_damaged_file_is_refused_in_one_line(string damage)
    {
        string path = TestPredictor.Write(_folder.Path, null);
        var file = SafeTensors.Read(path);
        string? options = damage switch
        {
            "broken options" => "{",
            "empty options" => "null",
            "unknown option" => """{"width": 3}""",
            "one hidden layer" => """{"hidden": [8]}""",
            "no window" => """{"history": {"window": 0}}""",
            "huge window" => """{"history": {"window": 2147483647}}""",
            _ => null,
        };
        string? provenance = damage switch { "broken provenance" => "[", "empty provenance" => "null", _ => null };
        if (options is not null)
        {
            file.Metadata["options"] = options;
        }

        if (provenance is not null)
        {
            file.Metadata["provenance"] = provenance;
        }

        switch (damage)
        {
            case "missing":
                path += "x";
                break;
            case "short":
                File.WriteAllBytes(path, File.ReadAllBytes(path)[..100]);
                break;
            case "text":
                File.WriteAllText(path, "this is no predictor at all");
                break;
            case "other format":
                file.Metadata["smartfrz.predictor"] = "99";
                break;
            case "no format":
                file.Metadata.Remove("smartfrz.predictor");
                break;
            case "no options":
                file.Metadata.Remove("options");
                break;
            case "no provenance":
                file.Metadata.Remove("provenance");
                break;
        }

        if (damage is not ("missing" or "short" or "text"))
        {
            file.Write(path);
        }

        var e = Assert.Throws<WeightsFormatException>(() => PredictorFile.Read(path));
        Assert.StartsWith(path, e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', e.Message);
    }

    [Fact]
    public void A_tensor_that_is_not_as_described_is_named_and_nothing_is_left_behind()
    {
        string path = TestPredictor.Write(_folder.Path, null);
        foreach (var (name, tensor, said) in new (string, StoredTensor?, string)[]
        {
            ("key.weight", null, "missing"),
            ("query.weight", StoredTensor.Of(new float[8], 4, 2), "F32 (4,2)"),
            ("hidden.bias", StoredTensor.Of(new long[5], 5), "I64 (5)"),
        })
        {
            var file = SafeTensors.Read(path);
            if (tensor is null)
            {
                file.Tensors.Remove(name);
            }
            else
            {
                file.Tensors[name] = tensor;
            }

            file.Write(_folder["damaged"]);
            long before = _engine.Context.Memory.Live;
            var e = Assert.Throws<WeightsFormatException>(() => PredictorFile.Read(_folder["damaged"]).Build(_engine));
            Assert.Contains($"'{name}' is {said}", e.Message, StringComparison.Ordinal);
            Assert.Equal(before, _engine.Context.Memory.Live);
        }
    }

    public void Dispose()
    {
        _engine.Dispose();
        _device.Dispose();
        _folder.Dispose();
    }
}
