using System.Text.Json.Nodes;
using SmartFrz.Kernels;
using SmartFrz.Kernels.Cpu;
using SmartFrz.Nn;
using SmartFrz.Tensors;

namespace SmartFrz.Freeze.Tests;

/// <summary>What a run would have cost without freezing, where texts have lengths of their own.</summary>
public sealed class UnfrozenFlopsTests
{
    private const string Small = """{"vocab_size":31,"max_position":16,"hidden":16,"layers":2,"heads":2,"intermediate":32,"dropout":0}""";

    [Fact]
    public void Without_freezing_it_is_what_the_run_cost()
    {
        var (spent, unfrozen) = Train("none", []);

        // Attention grows with the square of the length, backward a little otherwise than forward.
        Assert.Equal(1, (double)spent / unfrozen, 0.01);
    }

    [Fact]
    public void What_is_frozen_does_not_lower_it()
    {
        var (spent, unfrozen) = Train("schedule", new JsonObject { ["schedule"] = new JsonArray("stem@1", "bert.encoder.layer.0@2") });

        Assert.Equal(1, (double)unfrozen / Train("none", []).Unfrozen, 1e-6);
        Assert.InRange((double)spent / unfrozen, 0.4, 0.9);
    }

    private static (long Spent, long Unfrozen) Train(string policy, JsonObject options)
    {
        using var device = new CpuDevice(1);
        using var engine = new Engine(device);
        using var network = ModelZoo.Build(ModuleScope.Root(engine, 1), "bert_base", (JsonObject)JsonNode.Parse(Small)!);
        using var optimizer = new AdamW(network);
        var runner = new FreezeRunner(FreezePolicies.Create(policy, options));
        using var trainer = new Trainer(network, optimizer, new ConstantSchedule(1e-3f), new TextBatches(), null, new TrainerOptions());
        trainer.Add(runner);
        var result = trainer.Run();
        Phase[] phases = [Phase.Forward, Phase.BackwardInput, Phase.BackwardWeight, Phase.Update];
        return (phases.Sum(p => result.Costs[p].Flops), runner.UnfrozenFlops);
    }
}
