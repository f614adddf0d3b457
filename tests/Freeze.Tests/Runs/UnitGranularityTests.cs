using System.Text.Json.Nodes;
using SmartFrz.Nn.Options;

namespace SmartFrz.Freeze.Tests;

/// <summary>The option <c>freeze.units</c>.</summary>
public sealed class UnitGranularityTests
{
    [Fact]
    public void Single_layers_freeze_with_the_norms_that_follow_them()
    {
        using var run = Run("layers", "conv1@1", "layer1.0.conv1@2");
        run.Run();

        Assert.Equal([("conv1", 1L), ("layer1.0.conv1", 2L)], run.Freezing.Events.Select(e => (e.Unit, e.Step)));
        Assert.Equal(
            ["bn1.bias", "bn1.weight", "conv1.weight", "layer1.0.bn1.bias", "layer1.0.bn1.weight", "layer1.0.conv1.weight"],
            run.Network.Parameters().Where(p => p.IsFrozen).Select(p => p.Name).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void By_default_blocks_freeze_whole()
    {
        using (var run = Run(null, "stem@1", "layer1.0@2"))
        {
            run.Run();
            Assert.Equal([("stem", 1L), ("layer1.0", 2L)], run.Freezing.Events.Select(e => (e.Unit, e.Step)));
        }

        using var layers = Run(null, "layer1.0.conv1@2");
        Assert.StartsWith("schedule entry 'layer1.0.conv1@2' matches no unit; the units are stem, layer1.0,", Assert.Throws<OptionException>(() => layers.Run()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Units_of_another_size_are_refused() =>
        Assert.Equal("option 'freeze.units' is \"stages\", expected one of blocks, layers", Assert.Throws<OptionException>(() => Run("stages")).Message);

    private static FreezeRun Run(string? units, params string[] schedule)
    {
        var freeze = new JsonObject { ["policy"] = "schedule", ["schedule"] = new JsonArray([.. schedule.Select(s => JsonValue.Create(s))]) };
        if (units is not null)
        {
            freeze["units"] = units;
        }

        return new FreezeRun(RunConfig.Read(new JsonObject
        {
            ["model"] = new JsonObject { ["name"] = "resnet8", ["width"] = 2 },
            ["data"] = new JsonObject { ["name"] = "synthetic", ["size"] = 8, ["train"] = 24, ["test"] = 8 },
            ["train"] = new JsonObject { ["epochs"] = 1, ["batch"] = 8 },
            ["device"] = new JsonObject { ["name"] = "cpu", ["threads"] = 1 },
            ["freeze"] = freeze,
        }));
    }
}
