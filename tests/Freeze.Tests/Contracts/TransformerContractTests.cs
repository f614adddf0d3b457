using System.Text.Json.Nodes;
using SmartFrz.Nn;
using SmartFrz.Tensors;

namespace SmartFrz.Freeze.Tests;

/// <summary>The contracts of a frozen layer for the vision transformer and for BERT, with dropout, units of blocks and of single layers, on both backends.</summary>
[Collection(nameof(TestDevices))]
public sealed class TransformerContractTests(TestDevices devices)
{
    [Theory]
    [InlineData("cpu", "deit_tiny", "prefix", "stem@1", "blocks.0@2")]
    [InlineData("cuda", "deit_tiny", "prefix", "stem@1")]
    [InlineData("cpu", "deit_tiny", "free", "blocks.1@1")]
    [InlineData("cpu", "bert_base", "prefix", "stem@1", "bert.encoder.layer.0@2")]
    [InlineData("cuda", "bert_base", "prefix", "stem@1")]
    [InlineData("cpu", "bert_base", "free", "bert.encoder.layer.1@1")]
    public void A_frozen_layer_costs_nothing_it_need_not_cost_and_stays_as_it_is(string device, string model, string mode, params string[] schedule)
    {
        // The emulator is slow: it gets one block and two steps.
        int depth = device == "cpu" ? 2 : 1, epochs = depth;
        var witness = new ContractWitness();
        using var run = new FrozenRun(
            devices[device],
            new SchedulePolicy(new SchedulePolicyOptions { Schedule = schedule }),
            mode == "free" ? FreezeMode.Free : FreezeMode.Prefix,
            epochs: epochs,
            model: model,
            options: Options(model, depth),
            batches: model == "deit_tiny" ? null : new TextBatches(3, 4),
            before: witness);
        var atFreeze = new Dictionary<string, SortedDictionary<string, byte[]>>(StringComparer.Ordinal);
        run.Freezing.Changed += e => atFreeze.Add(e.Unit, run.Bytes(run.Network.Units.Single(u => u.Name == e.Unit).Contains));
        run.Trainer.Run();

        Assert.Equal(2 * epochs, witness.Steps.Count);
        Assert.Equal(schedule.Length, atFreeze.Count);
        foreach (var (name, bytes) in atFreeze)
        {
            FrozenRun.AssertSame(bytes, run.Bytes(run.Network.Units.Single(u => u.Name == name).Contains));
        }

        // Released memory is full of NaN: whoever read it would carry one on.
        Assert.All(run.Network.Parameters(), p => Assert.All(p.Value.ToArray(), v => Assert.True(float.IsFinite(v))));
    }

    [Theory]
    [InlineData("deit_tiny")]
    [InlineData("bert_base")]
    public void The_depth_of_a_frozen_prefix_takes_no_memory(string model)
    {
        long shallow = Peak(model, 4), deep = Peak(model, 12);
        Assert.InRange(deep, 0.95 * shallow, 1.05 * shallow);
    }

    private static JsonObject Options(string model, int depth) => (JsonObject)JsonNode.Parse(model == "deit_tiny"
        ? $$"""{"num_classes":3,"in_channels":1,"img_size":4,"patch_size":2,"dim":4,"depth":{{depth}},"heads":2}"""
        : $$"""{"vocab_size":31,"max_position":4,"hidden":4,"layers":{{depth}},"heads":2,"intermediate":4,"dropout":0.2}""")!;

    // Of a step beside the parameters, with all blocks frozen.
    private long Peak(string model, int depth)
    {
        using var engine = new Engine(devices["cpu"]);
        string options = model == "deit_tiny"
            ? $$"""{"num_classes":3,"img_size":16,"patch_size":4,"dim":16,"depth":{{depth}},"heads":2}"""
            : $$"""{"vocab_size":31,"hidden":16,"layers":{{depth}},"heads":2,"intermediate":32}""";
        using var network = ModelZoo.Build(ModuleScope.Root(engine, 1), model, (JsonObject)JsonNode.Parse(options)!);
        FreezeState.Empty.Change(network.Units.Where(u => !u.IsHead).SelectMany(u => u.Prefixes), []).WriteTo(network);
        var inputs = model == "deit_tiny"
            ? engine.FromHost<float>(new float[4 * 3 * 256], new Shape(4, 3, 16, 16))
            : engine.FromHost<int>(new int[4 * 17], new Shape(4, 17));
        using (inputs)
        {
            var memory = engine.Context.Memory;
            long before = 0;
            for (int step = 0; step < 2; step++)
            {
                before = memory.Live;
                memory.ResetPeak();
                using (engine.BeginStep())
                {
                    engine.Backward(network.Call(inputs).CrossEntropy(engine.FromHost<int>([0, 1, 0, 1], new Shape(4))));
                }
            }

            return memory.Peak - before;
        }
    }
}
