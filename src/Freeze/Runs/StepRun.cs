using System.Text.Json.Nodes;
using SmartFrz.Kernels;
using SmartFrz.Nn;
using SmartFrz.Nn.Data;
using SmartFrz.Nn.Options;
using SmartFrz.Nn.Weights;
using SmartFrz.Tensors;

namespace SmartFrz.Freeze;

/// <summary>
/// A few training steps on one given batch with everything written down: logits, losses, gradients, the state afterwards and what it
/// cost. For debugging, and to hold a network against another framework's.
/// </summary>
public sealed class StepRun : IDisposable
{
    private readonly RunConfig _config;
    private readonly StepOptions _options;
    private readonly TensorBatch _batch;
    private readonly Engine _engine;
    private readonly BatchTraining _training;

    /// <summary>Prepares a run. Everything that can be wrong with the options is found here.</summary>
    /// <param name="config">The configuration, as <see cref="Configure"/> makes it.</param>
    /// <param name="options">Steps, and what freezes.</param>
    /// <param name="batch">The batch, with labels. Channels and size of the network follow it.</param>
    /// <param name="device">The device, which stays the caller's.</param>
    /// <exception cref="OptionException">An option does not fit, a name matches nothing, or nothing is left to train.</exception>
    /// <exception cref="DataFormatException">The batch does not fit.</exception>
    /// <exception cref="WeightsFormatException">The weights do not fit.</exception>
    public StepRun(RunConfig config, StepOptions options, TensorBatch batch, Device device)
    {
        OptionBinder.RequireAtLeast(1, options.Steps, "steps");
        new TrainerOptions { LabelSmoothing = config.Train.LabelSmoothing, ClipNorm = config.Train.ClipNorm }.Check();
        (_config, _options, _batch) = (config, options, batch);
        var optimizer = Optimizers.Read(config.Optimizer);
        var schedule = Schedules.Read(config.Schedule).Create(optimizer.Options.Lr);
        _engine = new Engine(device);
        try
        {
            Network = ConfiguredNetwork.Build(_engine, config, NetworkInput.Of(batch));
            WeightsReport = ConfiguredNetwork.LoadWeights(Network, config);
            batch.Check(Network);
            RequireTarget(batch);
            CheckFreezing(Network, options);
            _training = new BatchTraining(Network, optimizer, schedule, config.Train, batch, options.Steps);
        }
        catch
        {
            _engine.Dispose();
            throw;
        }
    }

    /// <summary>The network.</summary>
    public Network Network { get; }

    /// <summary>What of the given weights did not fit, where that is allowed; null where nothing was left out.</summary>
    public StateDictReport? WeightsReport { get; }

    /// <summary>
    /// Reads a configuration over the defaults of single steps: constant learning rate, no momentum, no weight decay; the rest as in training.
    /// </summary>
    /// <exception cref="OptionException">A key is unknown or a value does not fit.</exception>
    public static RunConfig Configure(JsonObject json)
    {
        var config = RunConfig.Read(json);
        var optimizer = (JsonObject)config.Optimizer.DeepClone();
        var known = OptionBinder.Keys(Optimizers.Read(optimizer).Family.Options);
        foreach (var (key, none) in new (string, JsonNode)[] { ("momentum", 0f), ("nesterov", false), ("weight_decay", 0f) })
        {
            if (known.Contains(key) && !optimizer.ContainsKey(key))
            {
                optimizer[key] = none;
            }
        }

        // What the schedule's section holds beside the name stays: options that a constant rate does not have are an error.
        var schedule = (JsonObject?)json["schedule"]?.DeepClone() ?? [];
        schedule.TryAdd("name", "constant");
        return config with { Optimizer = optimizer, Schedule = schedule };
    }

    /// <summary>Runs the steps.</summary>
    public StepResult Run()
    {
        var trace = Execute();
        var launches = _engine.Context.Launches;
        return new StepResult
        {
            Logits = trace.Logits!,
            Losses = trace.Losses,
            Gradients = trace.Gradients,
            State = StateDict.Read(Network),
            Ledger = new StepLedger(
                PhaseFlops.Of(phase => launches[phase], UnfrozenFlops()),
                PhaseLaunches.Of(phase => launches[phase]),
                MemorySummary.Of(_engine.Context.Memory.Peak, trace.First, trace.Last)),
        };
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _training.Dispose();
        Network.Dispose();
        _engine.Dispose();
    }

    private static void RequireTarget(TensorBatch batch)
    {
        if (batch.Target is null)
        {
            throw new DataFormatException($"{batch.Source}: training steps need labels, 'target' I64 (N)");
        }
    }

    private static void CheckFreezing(Network network, StepOptions options)
    {
        foreach (var moment in options.Freeze)
        {
            FrozenNames.Check(network, moment.Names);
        }

        // What freezes too late to matter does not matter here either.
        string[] frozen = [.. options.Freeze.Where(m => m.Step < options.Steps).SelectMany(m => m.Names)];
        if (network.Parameters().All(p => frozen.Any(name => DottedName.IsWithin(p.Name, name))))
        {
            throw new OptionException($"freezing {string.Join(", ", frozen)} leaves nothing of {network.Name} to train");
        }
    }

    private Trace Execute()
    {
        var memory = _engine.Context.Memory;
        var trace = new Trace(_options.Steps);
        for (int step = 0; step < _options.Steps; step++)
        {
            foreach (var moment in _options.Freeze.Where(m => m.Step == step))
            {
                _training.Freezer.Freeze(moment.Names);
            }

            _training.Step(
                (logits, loss) =>
                {
                    trace.Logits ??= StoredTensor.Of(logits.ToArray(), logits.Shape.ToArray());
                    trace.Losses[step] = loss.Item();
                },
                step == 0 ? () => ReadGradients(trace.Gradients) : null);
            trace.Last = new StepMemory(
                memory.WindowPeakOf(BufferKind.Gradient), memory.WindowPeakOf(BufferKind.OptimizerState), memory.WindowPeakOf(BufferKind.SavedActivation));
            trace.First = step == 0 ? trace.Last : trace.First;
        }

        return trace;
    }

    private void ReadGradients(OrderedDictionary<string, StoredTensor> gradients)
    {
        foreach (var parameter in Network.Parameters().Where(p => p.Variable.HasGradient))
        {
            var values = new float[parameter.Shape.Count];
            _engine.Context.Download<float>(parameter.Variable.Gradient, values);
            gradients.Add(parameter.Name, StoredTensor.Of(values, parameter.Shape.ToArray()));
        }
    }

    // What the same steps cost with nothing frozen, told by a device that computes nothing.
    private long UnfrozenFlops()
    {
        using var device = new DryDevice();
        var config = _config with { Model = RunConfig.OptionsOf(_config.Model, ConfiguredNetwork.WeightsKeys) };
        using var unfrozen = new StepRun(config, _options with { Freeze = [] }, _batch, device);
        unfrozen.Execute();
        return PhaseFlops.Of(phase => unfrozen._engine.Context.Launches[phase], 0).Total;
    }

    /// <summary>What is written down along the way.</summary>
    private sealed class Trace(int steps)
    {
        public StoredTensor? Logits { get; set; }

        public double[] Losses { get; } = new double[steps];

        public OrderedDictionary<string, StoredTensor> Gradients { get; } = new(StringComparer.Ordinal);

        public StepMemory First { get; set; }

        public StepMemory Last { get; set; }
    }
}
