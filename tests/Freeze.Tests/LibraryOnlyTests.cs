using SmartFrz.Kernels;
using SmartFrz.Nn;
using SmartFrz.Nn.Data;
using SmartFrz.Tensors;

namespace SmartFrz.Freeze.Tests;

/// <summary>What an embedder writes: training with SmartFRZ through the libraries alone.</summary>
public sealed class LibraryOnlyTests
{
    [Fact]
    public void A_network_trains_with_smartfrz_in_a_few_lines()
    {
        var data = DataSources.OpenImages("synthetic", new DataOptions { LimitTrain = 640, LimitTest = 100 });
        using var device = Devices.Open("cpu");
        using var engine = new Engine(device);
        using var network = ModelZoo.Build(ModuleScope.Root(engine, seed: 1), "resnet8", new()
        {
            ["width"] = 4, ["in_channels"] = data.Train.Channels, ["num_classes"] = data.Train.ClassNames.Count,
        });
        using var optimizer = new Sgd(network, momentum: 0.9f, nesterov: true);
        using var policy = new SmartFrzPolicy(new SmartFrzPolicyOptions());
        var loader = new BatchLoaderOptions { BatchSize = 16, Mean = data.Mean, Deviation = data.Deviation };
        using var trainer = new Trainer(
            network, optimizer, new CosineSchedule(0.05f), new BatchLoader(data.Train, loader),
            new BatchLoader(data.Test, loader with { Shuffle = false, DropLast = false }), new TrainerOptions { Epochs = 4 });
        var freezing = new FreezeRunner(policy);
        trainer.Add(freezing);
        var result = trainer.Run();
        Assert.Equal(160, result.Steps);
        Assert.True(result.Last!.Accuracy > 0.2, $"accuracy {result.Last.Accuracy}");
        Assert.NotEmpty(freezing.Events);
    }
}
