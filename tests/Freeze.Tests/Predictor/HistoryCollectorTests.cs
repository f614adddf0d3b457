using System.Text.Json.Nodes;

namespace SmartFrz.Freeze.Tests;

public sealed class HistoryCollectorTests
{
    [Fact]
    public void Every_layer_of_a_transformer_is_recorded_the_tokens_of_the_network_itself_too()
    {
        var config = RunConfig.Read((JsonObject)JsonNode.Parse(
            """
            {
              "model": {"name": "deit_tiny", "img_size": 8, "patch_size": 4, "dim": 8, "depth": 1, "heads": 2},
              "data": {"name": "synthetic", "size": 8, "train": 64, "test": 16},
              "train": {"epochs": 2, "batch": 8},
              "optimizer": {"name": "adamw", "lr": 0.01},
              "device": {"name": "cpu", "threads": 1}
            }
            """)!);
        var history = new WeightHistoryOptions { Window = 4, Samples = 16 };
        var into = new HistoryDataset(history, "test");
        new HistoryCollector(new CollectOptions { History = history, ProbeBatch = 8, ProbeBatches = 2, ChecksPerEpoch = 2 }, null).Collect(config, 9, [1], into);

        Assert.Equal(
            ["blocks.0.attn.proj", "blocks.0.attn.qkv", "blocks.0.mlp.fc1", "blocks.0.mlp.fc2", "patch_embed.proj", "pos_embed"],
            into.Records.Select(r => r.Layer).Distinct().Order(StringComparer.Ordinal));
        Assert.All(into.Records, r => Assert.Equal("deit_tiny", r.Model));
        Assert.Contains(into.Records, r => r.Similarity > 0);
    }
}
