using SmartFrz.Kernels;
using SmartFrz.Kernels.Cpu;
using SmartFrz.Nn.Data;
using SmartFrz.Tensors;

namespace SmartFrz.Nn.Tests.Training;

/// <summary>A training run of <see cref="TinyNet"/>: 5 steps an epoch, shuffled and augmented, with momentum and a cosine schedule.</summary>
internal sealed class TinyRun : IDisposable
{
    public const int Images = 40, Batch = 8, StepsPerEpoch = 5, TestImages = 21;

    private readonly Device? _own;

    public TinyRun(TrainerOptions? options = null, Device? device = null, float learningRate = 0.05f, ulong seed = 3, int width = 4, IImageDataset? data = null, int batch = Batch, bool evaluate = true)
    {
        _own = device is null ? new CpuDevice(threads: 2) : null;
        Engine = new Engine(device ?? _own!);
        Network = new TinyNet(ModuleScope.Root(Engine, seed), width);
        Optimizer = new Sgd(Network, momentum: 0.9f, nesterov: true, weightDecay: 1e-3f);
        data ??= TinyData.Make(Images);
        float[] mean = [.. Enumerable.Repeat(0.3f, data.Channels)], deviation = [.. Enumerable.Repeat(0.2f, data.Channels)];
        Train = new BatchLoader(
            data,
            new BatchLoaderOptions { BatchSize = batch, Seed = seed, CropPadding = 1, Flip = true, Mean = mean, Deviation = deviation });
        Test = new BatchLoader(
            TinyData.Make(TestImages, seed: 2),
            new BatchLoaderOptions { BatchSize = Batch, Shuffle = false, DropLast = false, Mean = [0.3f], Deviation = [0.2f] });
        Options = options ?? new TrainerOptions { Epochs = 3, LogInterval = 2 };
        Trainer = new Trainer(Network, Optimizer, new CosineSchedule(learningRate), Train, evaluate ? Test : null, Options);
    }

    public Engine Engine { get; }

    public Network Network { get; }

    public Sgd Optimizer { get; }

    public BatchLoader Train { get; }

    public BatchLoader Test { get; }

    public TrainerOptions Options { get; }

    public Trainer Trainer { get; }

    /// <summary>All that training changes, by name: parameters, running statistics, counters, momentum and its step counts.</summary>
    public SortedDictionary<string, float[]> State()
    {
        var state = new SortedDictionary<string, float[]>(StringComparer.Ordinal);
        foreach (var parameter in Network.Parameters())
        {
            state.Add(parameter.Name, parameter.Value.ToArray());
            if (Optimizer.StateOf(parameter) is { } own)
            {
                state.Add($"{parameter.Name}/momentum", own.Tensors[0].ToArray());
                state.Add($"{parameter.Name}/steps", [own.Steps]);
            }
        }

        foreach (var buffer in Network.Buffers())
        {
            state.Add(buffer.Name, buffer.Value.ToArray());
        }

        foreach (var counter in Network.Counters())
        {
            state.Add(counter.Name, [counter.Value]);
        }

        return state;
    }

    /// <summary>Asserts that two states are the same, bit by bit.</summary>
    public static void AssertSame(SortedDictionary<string, float[]> expected, SortedDictionary<string, float[]> actual)
    {
        Assert.Equal(expected.Keys, actual.Keys);
        foreach (var (name, values) in expected)
        {
            Assert.True(values.AsSpan().SequenceEqual(actual[name]), $"{name} differs");
        }
    }

    public void Dispose()
    {
        Trainer.Dispose();
        Optimizer.Dispose();
        Network.Dispose();
        Engine.Dispose();
        _own?.Dispose();
    }
}

/// <summary>A callback made of what a test wants to do.</summary>
internal sealed class Callback : ITrainingCallback
{
    public Action<TrainingContext>? OnRunStarting { get; init; }

    public Action<TrainingContext>? OnEpochStarting { get; init; }

    public Action<TrainingContext>? OnStepStarting { get; init; }

    public Action<TrainingContext>? OnGradientsReady { get; init; }

    public Action<TrainingContext>? OnStepEnded { get; init; }

    public Action<TrainingContext>? OnLogged { get; init; }

    public Action<TrainingContext>? OnEpochEnded { get; init; }

    public Action<TrainingContext>? OnRunEnded { get; init; }

    public void RunStarting(TrainingContext context) => OnRunStarting?.Invoke(context);

    public void EpochStarting(TrainingContext context) => OnEpochStarting?.Invoke(context);

    public void StepStarting(TrainingContext context) => OnStepStarting?.Invoke(context);

    public void GradientsReady(TrainingContext context) => OnGradientsReady?.Invoke(context);

    public void StepEnded(TrainingContext context) => OnStepEnded?.Invoke(context);

    public void Logged(TrainingContext context) => OnLogged?.Invoke(context);

    public void EpochEnded(TrainingContext context) => OnEpochEnded?.Invoke(context);

    public void RunEnded(TrainingContext context) => OnRunEnded?.Invoke(context);
}
