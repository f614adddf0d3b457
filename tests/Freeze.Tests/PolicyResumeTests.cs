using System.Text.Json.Nodes;
using SmartFrz.Kernels;
using SmartFrz.Kernels.Cpu;
using SmartFrz.Nn;
using SmartFrz.Nn.Data;
using SmartFrz.Tensors;

namespace SmartFrz.Freeze.Tests;

/// <summary>A run that was interrupted and resumed freezes the same units at the same steps, and its weights are the same bits.</summary>
public sealed class PolicyResumeTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("smartfrz-").FullName;

    [Theory]
    [InlineData("none", "{}", 0)]
    [InlineData("linear", """{"freeze_start": 0.0}""", 1)]
    [InlineData("schedule", """{"schedule": ["conv1@3", "conv2@9"]}""", 2)]
    [InlineData("random", """{"saved_share": 0.3}""", 1)]
    [InlineData("smartfrz", """{"predictor": "PREDICTOR", "threshold": 0.3, "votes": 2, "stages_per_epoch": 3}""", 1)]
    public void A_resumed_run_decides_as_the_undisturbed_one(string policy, string options, int frozenAtLeast)
    {
        string predictor = Path.Combine(_directory, "predictor.safetensors");
        WritePredictor(predictor);
        var json = (JsonObject)JsonNode.Parse(options)!;
        if (json.ContainsKey("predictor"))
        {
            json["predictor"] = predictor;
        }

        var whole = Train(policy, json);
        Assert.True(whole.Events.Count >= frozenAtLeast, $"{policy} froze {whole.Events.Count} units");
        foreach (int stopAfter in new[] { 2, 6, 8, 11 })
        {
            string checkpoints = Path.Combine(_directory, $"{policy}-{stopAfter}");
            Train(policy, json, checkpoints, stopAfter);
            var resumed = Train(policy, json, resume: Path.Combine(checkpoints, "last.safetensors"));
            Assert.Equal(whole.Events, resumed.Events);
            Assert.Equal(whole.StepFlops, resumed.StepFlops);
            Assert.Equal(whole.FreezeWork, resumed.FreezeWork);
            foreach (var (name, values) in whole.Weights)
            {
                Assert.True(values.AsSpan().SequenceEqual(resumed.Weights[name]), $"{policy}, stopped after {stopAfter}: {name} differs");
            }
        }
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private static void WritePredictor(string path)
    {
        using var device = new CpuDevice(1);
        using var engine = new Engine(device);
        var options = new AttentionPredictorOptions { History = new WeightHistoryOptions { Window = 3, Samples = 16 }, Hidden = [8, 8], KeyWidth = 4 };
        using var predictor = new AttentionPredictor(ModuleScope.Root(engine, 5), options);
        PredictorFile.Write(path, predictor, []);
    }

    private static Outcome Train(string policy, JsonObject options, string? checkpoints = null, int stopAfter = 0, string? resume = null)
    {
        using var device = new CpuDevice(2);
        using var engine = new Engine(device);
        using var network = new Cnn(ModuleScope.Root(engine, 1), new CnnOptions { ImageSize = 8, Width = 2, Hidden = 8, NumClasses = 4 });
        using var optimizer = new Sgd(network, momentum: 0.9f);
        using var freezing = FreezePolicies.Create(policy, (JsonObject)options.DeepClone());
        var data = new SyntheticDataset(24, 4, 1, 8, 8, 0.5, 1);
        using var trainer = new Trainer(
            network,
            optimizer,
            new CosineSchedule(0.05f),
            new BatchLoader(data, new BatchLoaderOptions { BatchSize = 4, Seed = 2, CropPadding = 1 }),
            null,
            new TrainerOptions { Epochs = 2, CheckpointDirectory = checkpoints });
        var runner = new FreezeRunner(freezing);
        using var stop = new CancellationTokenSource();
        trainer.Add(runner);
        trainer.Add(new Stopper(stop, stopAfter));
        if (resume is not null)
        {
            trainer.Resume(resume);
        }

        var result = trainer.Run(stop.Token);
        Assert.Equal(stopAfter > 0 ? stopAfter : 12, result.Steps);
        return new Outcome(
            network.Parameters().ToDictionary(p => p.Name, p => p.Value.ToArray()),
            runner.Events,
            runner.Costs!.StepFlops,
            result.Costs[Phase.Freeze] with { Seconds = 0 });
    }

    private sealed record Outcome(Dictionary<string, float[]> Weights, IReadOnlyList<FreezeEvent> Events, long StepFlops, LaunchTotals FreezeWork);

    private sealed class Stopper(CancellationTokenSource stop, int after) : ITrainingCallback
    {
        public void StepEnded(TrainingContext context)
        {
            if (context.Step == after)
            {
                stop.Cancel();
            }
        }
    }
}
