using System.Text.Json.Nodes;
using SmartFrz.Kernels;
using SmartFrz.Nn;
using SmartFrz.Nn.Data;
using SmartFrz.Tensors;

namespace SmartFrz.Freeze.Tests;

/// <summary>A small training run with a freezing policy: SGD with momentum and weight decay, cosine schedule, no test set.</summary>
internal sealed class FrozenRun : IDisposable
{
    public const float Momentum = 0.9f, WeightDecay = 1e-2f;

    public FrozenRun(
        Device device, FreezePolicy policy, FreezeMode mode = FreezeMode.Prefix, int stepsPerEpoch = 2, int epochs = 3, int batch = 2, ulong seed = 3,
        string model = "resnet8", JsonObject? options = null, bool poison = true, float learningRate = 0.05f, IBatchSource? batches = null, params IEnumerable<ITrainingCallback> before)
    {
        Engine = new Engine(device);
        Engine.Context.PoisonReleasedMemory = poison;
        Network = ModelZoo.Build(ModuleScope.Root(Engine, seed), model, options ?? Tiny());
        Optimizer = new Sgd(Network, Momentum, nesterov: true, WeightDecay);
        Trainer = new Trainer(Network, Optimizer, new CosineSchedule(learningRate), batches ?? Images(stepsPerEpoch, batch, seed), null, new TrainerOptions { Epochs = epochs });
        foreach (var callback in before)
        {
            Trainer.Add(callback);
        }

        Freezing = new FreezeRunner(policy, mode);
        Trainer.Add(Freezing);
    }

    public Engine Engine { get; }

    public Network Network { get; }

    public Sgd Optimizer { get; }

    public Trainer Trainer { get; }

    public FreezeRunner Freezing { get; }

    /// <summary>A residual network of 8x8 images that even the emulator runs in good time.</summary>
    public static JsonObject Tiny(int width = 2) => new() { ["width"] = width, ["image_size"] = 8, ["in_channels"] = 1, ["num_classes"] = 3 };

    /// <summary>The bytes of everything that training changes in the modules of the given units: parameters, running statistics, counters.</summary>
    public SortedDictionary<string, byte[]> Bytes(Predicate<string>? names = null)
    {
        var bytes = new SortedDictionary<string, byte[]>(StringComparer.Ordinal);
        foreach (var (name, value) in Network.Parameters().Select(p => (p.Name, p.Value)).Concat(Network.Buffers().Select(b => (b.Name, b.Value))))
        {
            bytes.Add(name, BytesOf(value));
        }

        foreach (var counter in Network.Counters())
        {
            bytes.Add(counter.Name, BitConverter.GetBytes(counter.Value));
        }

        foreach (string name in bytes.Keys.Where(n => names is not null && !names(n)).ToList())
        {
            bytes.Remove(name);
        }

        return bytes;
    }

    /// <summary>The momentum of every parameter that has one, with its step count.</summary>
    public SortedDictionary<string, byte[]> MomentumBytes(Predicate<string>? names = null)
    {
        var bytes = new SortedDictionary<string, byte[]>(StringComparer.Ordinal);
        foreach (var parameter in Network.Parameters().Where(p => names is null || names(p.Name)))
        {
            if (Optimizer.StateOf(parameter) is { } state)
            {
                bytes.Add(parameter.Name, [.. BytesOf(state.Tensors[0]), .. BitConverter.GetBytes(state.Steps)]);
            }
        }

        return bytes;
    }

    public static void AssertSame(SortedDictionary<string, byte[]> expected, SortedDictionary<string, byte[]> actual)
    {
        Assert.NotEmpty(expected);
        Assert.Equal(expected.Keys, actual.Keys);
        Assert.All(expected, e => Assert.True(e.Value.AsSpan().SequenceEqual(actual[e.Key]), $"{e.Key} differs"));
    }

    public static byte[] BytesOf(Tensor tensor)
    {
        var bytes = new byte[tensor.Buffer.Bytes];
        tensor.Engine.Context.Download<byte>(tensor.Buffer, bytes);
        return bytes;
    }

    public void Dispose()
    {
        Freezing.Policy.Dispose();
        Trainer.Dispose();
        Optimizer.Dispose();
        Network.Dispose();
        Engine.Dispose();
    }

    private BatchLoader Images(int stepsPerEpoch, int batch, ulong seed)
    {
        var image = Network.InputShape;
        var data = new SyntheticDataset(stepsPerEpoch * batch, Network.NumClasses, image[0], image[1], image[2], noise: 0.5, seed: 1);
        float[] half = [.. Enumerable.Repeat(0.5f, image[0])];
        return new BatchLoader(data, new BatchLoaderOptions { BatchSize = batch, Seed = seed, Mean = half, Deviation = half });
    }
}

/// <summary>A callback made of what a test wants to do.</summary>
internal sealed class Watch : ITrainingCallback
{
    public Action<TrainingContext>? OnRunStarting { get; init; }

    public Action<TrainingContext>? OnStepStarting { get; init; }

    public Action<TrainingContext>? OnGradientsReady { get; init; }

    public Action<TrainingContext>? OnStepEnded { get; init; }

    public void RunStarting(TrainingContext context) => OnRunStarting?.Invoke(context);

    public void StepStarting(TrainingContext context) => OnStepStarting?.Invoke(context);

    public void GradientsReady(TrainingContext context) => OnGradientsReady?.Invoke(context);

    public void StepEnded(TrainingContext context) => OnStepEnded?.Invoke(context);
}

/// <summary>A policy made of what a test wants it to decide after each step.</summary>
internal sealed class ScriptedPolicy(Func<FreezeContext, FreezeDecision> decide, bool mayThaw = false) : FreezePolicy
{
    public override string Name => "scripted";

    public override bool MayThaw => mayThaw;

    public override FreezeDecision Decide(FreezeContext context) => decide(context);

    public static UnitDecision Unit(string name) => new(name, null, "as the test says");

    public static FreezeDecision Freeze(params IEnumerable<string> units) => FreezeDecision.ToFreeze(units.Select(Unit));

    public static FreezeDecision Thaw(params IEnumerable<string> units) => new([], [.. units.Select(Unit)]);
}
