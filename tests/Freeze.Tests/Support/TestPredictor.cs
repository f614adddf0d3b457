using System.Text.Json.Nodes;
using SmartFrz.Kernels.Cpu;
using SmartFrz.Nn;
using SmartFrz.Tensors;

namespace SmartFrz.Freeze.Tests;

/// <summary>Predictors made by hand.</summary>
internal static class TestPredictor
{
    // Its odds are e^20: nothing that the layers before it say can change the answer.
    public const float Always = 20f, Never = -20f;

    public static AttentionPredictorOptions Sizes(int window = 3, int samples = 16, bool additive = false) => new()
    {
        History = new WeightHistoryOptions { Window = window, Samples = samples },
        Hidden = [8, 6],
        KeyWidth = 4,
        ClassifierWidth = 5,
        Additive = additive,
    };

    /// <summary>Writes a predictor whose output bias is given; with null, one with random weights.</summary>
    public static string Write(string folder, float? bias, AttentionPredictorOptions? options = null)
    {
        string path = Path.Combine(folder, "predictor.safetensors");
        using var device = new CpuDevice(threads: 1);
        using var engine = new Engine(device);
        using var predictor = new AttentionPredictor(ModuleScope.Root(engine, 5), options ?? Sizes());
        if (bias is { } value)
        {
            predictor.Parameters().Single(p => p.Name == "output.bias").Value.CopyFrom([value]);
        }

        PredictorFile.Write(path, predictor, new JsonObject { ["made"] = "by hand" });
        return path;
    }

    public static SmartFrzPolicy Policy(string path, int votes = 1, int stagesPerEpoch = 1, double threshold = 0.5, double stageShare = 1) =>
        new(new SmartFrzPolicyOptions { Predictor = path, Votes = votes, StagesPerEpoch = stagesPerEpoch, Threshold = threshold, StageShare = stageShare });
}

/// <summary>A folder that goes with the test.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("smartfrz-").FullName;

    public string this[string name] => System.IO.Path.Combine(Path, name);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
