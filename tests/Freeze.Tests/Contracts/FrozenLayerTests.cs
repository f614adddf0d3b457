using SmartFrz.Nn;
using SmartFrz.Tensors;

namespace SmartFrz.Freeze.Tests;

/// <summary>The contracts of a frozen layer, for a prefix, for a layer in the middle and for layers that freeze one after another, on both backends.</summary>
[Collection(nameof(TestDevices))]
public sealed class FrozenLayerTests(TestDevices devices)
{
    // What freezes, and whether it must be a prefix.
    private static readonly Dictionary<string, (string[] Schedule, FreezeMode Mode)> Scenarios = new(StringComparer.Ordinal)
    {
        ["prefix"] = (["stem@2", "layer1@2"], FreezeMode.Prefix),
        ["middle"] = (["layer2@2"], FreezeMode.Free),
        ["progressive"] = (["stem@1", "layer1@2", "layer2@3", "layer3@4"], FreezeMode.Prefix),
    };

    public static TheoryData<string, string> Cases
    {
        get
        {
            var cases = new TheoryData<string, string>();
            foreach (string scenario in Scenarios.Keys)
            {
                cases.Add("cpu", scenario);
                cases.Add("cuda", scenario);
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_frozen_layer_costs_nothing_it_need_not_cost_and_stays_as_it_is(string device, string scenario)
    {
        var (schedule, mode) = Scenarios[scenario];
        var witness = new ContractWitness();
        using var run = Run(device, schedule, mode, poison: true, witness);
        var atFreeze = new Dictionary<string, SortedDictionary<string, byte[]>>(StringComparer.Ordinal);
        run.Freezing.Changed += e => atFreeze.Add(e.Unit, run.Bytes(run.Network.Units.Single(u => u.Name == e.Unit).Contains));
        run.Trainer.Run();

        Assert.Equal(6, witness.Steps.Count);
        Assert.Empty(witness.Steps[0]);
        Assert.Equal(atFreeze.Keys, witness.Steps[^1]);
        Assert.Equal(schedule.Length, atFreeze.Count);
        foreach (var (name, bytes) in atFreeze)
        {
            var unit = run.Network.Units.Single(u => u.Name == name);
            FrozenRun.AssertSame(bytes, run.Bytes(unit.Contains));
            Assert.All(run.Network.Parameters().Where(p => unit.Contains(p.Name)), p => Assert.Null(run.Optimizer.StateOf(p)));
        }

        // Released memory is full of NaN: whoever read it would carry one on.
        Assert.All(run.Network.Parameters(), p => Assert.All(p.Value.ToArray(), v => Assert.True(float.IsFinite(v))));
        Assert.All(run.Network.Buffers(), b => Assert.All(b.Value.ToArray(), v => Assert.True(float.IsFinite(v))));
    }

    [Theory]
    [InlineData("prefix")]
    [InlineData("middle")]
    [InlineData("progressive")]
    public void What_released_memory_holds_changes_no_bit(string scenario)
    {
        var (schedule, mode) = Scenarios[scenario];
        using var poisoned = Run("cpu", schedule, mode, poison: true);
        using var plain = Run("cpu", schedule, mode, poison: false);
        poisoned.Trainer.Run();
        plain.Trainer.Run();
        FrozenRun.AssertSame(plain.Bytes(), poisoned.Bytes());
        FrozenRun.AssertSame(plain.MomentumBytes(), poisoned.MomentumBytes());
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Gradients_of_the_others_are_the_same_bits_as_without_freezing(string device, string scenario)
    {
        var (schedule, _) = Scenarios[scenario];
        string[] frozen = [.. schedule.Select(s => s[..s.IndexOf('@')])];
        var with = Gradients(device, frozen, freeze: true);
        var without = Gradients(device, frozen, freeze: false);
        Assert.True(with.Count > 0 && with.Count < without.Count);
        foreach (var (name, bytes) in with)
        {
            Assert.True(bytes.AsSpan().SequenceEqual(without[name]), $"the gradient of {name} differs");
            Assert.Contains(bytes, b => b != 0);
        }
    }

    private FrozenRun Run(string device, string[] schedule, FreezeMode mode, bool poison, params IEnumerable<ITrainingCallback> before) =>
        new(devices[device], new SchedulePolicy(new SchedulePolicyOptions { Schedule = schedule }), mode, poison: poison, before: before);

    // The gradients of one batch. Without freezing, the modules still compute as frozen ones do: running statistics.
    private SortedDictionary<string, byte[]> Gradients(string device, string[] names, bool freeze)
    {
        using var engine = new Engine(devices[device]);
        using var network = ModelZoo.Build(ModuleScope.Root(engine, 5), "resnet8", FrozenRun.Tiny());
        var prefixes = network.Units.Where(u => names.Any(n => DottedName.IsWithin(u.Name, n))).SelectMany(u => u.Prefixes);
        var state = FreezeState.Empty.Change(prefixes, []);
        state.WriteTo(network);
        if (!freeze)
        {
            foreach (var parameter in network.Parameters())
            {
                parameter.IsFrozen = false;
            }
        }

        float[] pixels = [.. Enumerable.Range(0, 2 * 64).Select(i => MathF.Sin(i * 0.37f))];
        using (engine.BeginStep())
        {
            var logits = network.Call(engine.FromHost<float>(pixels, new Shape(2, 1, 8, 8)));
            engine.Backward(logits.CrossEntropy(engine.FromHost<int>([0, 2], new Shape(2))));
        }

        var gradients = new SortedDictionary<string, byte[]>(StringComparer.Ordinal);
        foreach (var parameter in network.Parameters().Where(p => p.Variable.HasGradient))
        {
            var bytes = new byte[parameter.Value.Buffer.Bytes];
            engine.Context.Download<byte>(parameter.Variable.Gradient, bytes);
            gradients.Add(parameter.Name, bytes);
        }

        return gradients;
    }
}
