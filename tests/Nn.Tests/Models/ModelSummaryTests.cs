using SmartFrz.Kernels;

namespace SmartFrz.Nn.Tests;

public sealed class ModelSummaryTests
{
    [Fact]
    public void Of_the_small_network()
    {
        using var test = new TestEngine();
        using var network = ModelTests.Build(test, "cnn", "{}");
        var summary = ModelSummary.Of(network);

        Assert.Equal(["conv1", "conv2", "fc1", "fc2"], summary.Layers.Select(l => l.Name));
        Assert.Equal([160L, 4640, 100_416, 650], summary.Units.Select(u => u.Parameters));
        Assert.Equal([16L * 784 * 9, 32L * 196 * 144, 1568L * 64, 640], summary.Units.Select(u => u.MultiplyAdds));
        Assert.Equal([16L * 784 * 4, 32L * 196 * 4, 256, 40], summary.Units.Select(u => u.ActivationBytes));
        Assert.Equal((105_866L, 1_117_056L), (summary.Total.Parameters, summary.Total.MultiplyAdds));
    }

    [Fact]
    public void Of_a_residual_network_with_frozen_units()
    {
        using var test = new TestEngine();
        using var network = ModelTests.Build(test, "resnet20", "{}");
        FreezeState.Empty.Change(["conv1", "bn1", "layer1.0"], []).WriteTo(network);
        var summary = ModelSummary.Of(network);

        Assert.Equal(40_551_040, summary.Total.MultiplyAdds);
        Assert.Equal(summary.Total.MultiplyAdds, summary.Units.Sum(u => u.MultiplyAdds));
        Assert.Equal(summary.Total.Parameters, summary.Units.Sum(u => u.Parameters));
        Assert.Equal(summary.Total.Parameters, summary.Layers.Sum(l => l.Parameters));
        Assert.Equal(["stem", "layer1.0"], summary.Units.Where(u => u.IsFrozen).Select(u => u.Name));
        Assert.Equal(269_722 - 432 - 32 - 4672, summary.Total.TrainableParameters);
    }

    [Fact]
    public void It_changes_nothing()
    {
        using var test = new TestEngine();
        using var network = ModelTests.Build(test, "resnet8", ModelTests.Small);
        var state = Weights.StateDict.Read(network).ToDictionary(t => t.Key, t => t.Value.ToFloats());
        var memory = test.Engine.Context.Memory;
        long live = memory.Live;
        ModelSummary.Of(network);

        Assert.True(network.IsTreeTraining);
        Assert.Equal(live, memory.Live);
        Assert.Equal(state, Weights.StateDict.Read(network).ToDictionary(t => t.Key, t => t.Value.ToFloats()));
        var ledger = test.Engine.Context.Launches;
        Assert.Equal(ledger.Total, ledger[Phase.Data]);
        Assert.Null(ledger.Trace);
    }
}
