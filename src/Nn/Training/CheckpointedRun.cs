using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using SmartFrz.Nn.Weights;
using SmartFrz.Tensors;

namespace SmartFrz.Nn;

/// <summary>Carries a run's state into checkpoints and back.</summary>
internal sealed class CheckpointedRun(
    TrainingContext context, RunProgress progress, CostAccount costs, ScoreBoard board, IReadOnlyList<ITrainingCallback> callbacks, ulong seed)
{
    // More names than that in a message help nobody.
    private const int LargestList = 20;

    private readonly Network _model = context.Model;
    private readonly Optimizer _optimizer = context.Optimizer;

    /// <summary>Bytes that a checkpoint will have once every parameter has its optimizer state.</summary>
    public long EstimateBytes()
    {
        // Names, shapes and metadata: a few hundred bytes a tensor, generously.
        const long Description = 1 << 20;
        long parameters = _model.Parameters().Sum(p => p.Shape.Count), buffers = _model.Buffers().Sum(b => b.Value.Shape.Count);
        return Description + (sizeof(float) * ((parameters * (1 + _optimizer.StateNames.Count)) + buffers));
    }

    /// <summary>The run as a file.</summary>
    /// <param name="config">What the run was told about itself.</param>
    /// <param name="requireFinite">Whether weights that are no finite numbers are refused.</param>
    /// <param name="wallSeconds">Seconds since the run began.</param>
    /// <exception cref="TrainingException">Weights are not finite.</exception>
    public SafeTensors Save(string config, bool requireFinite, double wallSeconds)
    {
        var steps = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var parameter in _model.Parameters())
        {
            if (_optimizer.StateOf(parameter) is { } state)
            {
                steps.Add(parameter.Name, state.Steps);
            }
        }

        var parts = Parts().Select(part =>
        {
            var entries = new CheckpointEntries();
            part.Save(entries);
            return (Key: part.CheckpointKey, Entries: entries);
        }).ToList();
        var file = Checkpoint.Describe(
            new CheckpointHeader
            {
                Model = _model.Name,
                Optimizer = OptimizerName,
                Seed = seed,
                StepsPerEpoch = context.StepsPerEpoch,
                Step = context.Step,
                Epoch = context.Epoch,
                LearningRate = context.LearningRate,
                TrainLoss = context.TrainLoss,
                TrainAccuracy = context.TrainAccuracy,
                LastEvaluation = context.LastEvaluation,
                Best = progress.Best,
                History = progress.History,
                FreezeVersion = context.FreezeState.Version,
                Frozen = [.. context.FreezeState.Frozen],
                OptimizerSteps = steps,
                EpochScore = progress.Epoch,
                DeviceScore = board.Peek(),
                FirstStep = progress.FirstStep,
                LastStep = progress.LastStep,
                PeakBytes = Math.Max(progress.PeakBytes, context.Engine.Context.Memory.Peak),
                WallSeconds = wallSeconds,
                Costs = costs.Record,
                Parts = parts.ToDictionary(p => p.Key, p => p.Entries.Json, StringComparer.Ordinal),
            },
            config);
        foreach (var (name, tensor) in ModelTensors())
        {
            float[] values = tensor.ToArray();
            if (requireFinite && NonFinite.IsIn(values))
            {
                throw new TrainingException($"step {context.Step}: {name} holds values that are not finite: training has diverged, no checkpoint of it is written");
            }

            file.Tensors.Add(Checkpoint.ModelPrefix + name, StoredTensor.Of(values, tensor.Shape.ToArray()));
        }

        foreach (var counter in _model.Counters())
        {
            file.Tensors.Add(Checkpoint.ModelPrefix + counter.Name, StoredTensor.Of([counter.Value]));
        }

        foreach (var (name, tensor) in OptimizerTensors(steps.Keys))
        {
            file.Tensors.Add(Checkpoint.OptimizerPrefix + name, StoredTensor.Of(tensor.ToArray(), tensor.Shape.ToArray()));
        }

        foreach (var (key, entries) in parts)
        {
            foreach (var (name, values) in entries.Arrays)
            {
                file.Tensors.Add($"{Checkpoint.StatePrefix}{key}.{name}", StoredTensor.Of(values, values.Length));
            }
        }

        return file;
    }

    /// <summary>Brings the run to a checkpoint's state.</summary>
    /// <exception cref="CheckpointException">It belongs to another run; then nothing has been changed.</exception>
    public void Load(Checkpoint checkpoint)
    {
        Check(checkpoint);
        var (file, header) = (checkpoint.File, checkpoint.Header);

        // What is frozen comes first: it decides which parameters have gradients and optimizer state.
        context.SetFreezeState(
            new FreezeState(header.FreezeVersion, header.Frozen.ToImmutableSortedSet(StringComparer.Ordinal)), keepOptimizerState: true);
        foreach (var (name, tensor) in ModelTensors())
        {
            tensor.CopyFrom(file.Tensors[Checkpoint.ModelPrefix + name].ToFloats());
        }

        foreach (var counter in _model.Counters())
        {
            counter.Value = file.Tensors[Checkpoint.ModelPrefix + counter.Name].ToLongs()[0];
        }

        foreach (var parameter in _model.Parameters())
        {
            _optimizer.ReleaseState(parameter);
            if (header.OptimizerSteps.TryGetValue(parameter.Name, out long steps))
            {
                _optimizer.EnsureState(parameter).Steps = steps;
            }
        }

        foreach (var (name, tensor) in OptimizerTensors(header.OptimizerSteps.Keys))
        {
            tensor.CopyFrom(file.Tensors[Checkpoint.OptimizerPrefix + name].ToFloats());
        }

        LoadProgress(header);
        foreach (var part in Parts())
        {
            LoadPart(checkpoint, part);
        }
    }

    private string OptimizerName => $"{_optimizer.GetType().Name}({string.Join(',', _optimizer.StateNames)})";

    private void LoadProgress(CheckpointHeader header)
    {
        context.Step = header.Step;
        context.Epoch = header.Epoch;
        context.LearningRate = header.LearningRate;
        context.TrainLoss = header.TrainLoss;
        context.TrainAccuracy = header.TrainAccuracy;
        context.LastEvaluation = header.LastEvaluation;
        progress.Best = header.Best;
        progress.History.Clear();
        progress.History.AddRange(header.History);
        progress.Epoch = header.EpochScore;
        board.Restore(header.DeviceScore);
        progress.FirstStep = header.FirstStep;
        progress.LastStep = header.LastStep;
        progress.PeakBytes = header.PeakBytes;
        progress.WallSeconds = header.WallSeconds;
        costs.Record = header.Costs;
        context.TrainSeconds = costs.Seconds;
    }

    private static void LoadPart(Checkpoint checkpoint, ICheckpointed part)
    {
        string prefix = $"{Checkpoint.StatePrefix}{part.CheckpointKey}.";
        var entries = new CheckpointEntries { Json = (JsonObject)checkpoint.Header.Parts[part.CheckpointKey].DeepClone() };
        foreach (var (name, tensor) in checkpoint.File.Tensors)
        {
            if (name.StartsWith(prefix, StringComparison.Ordinal))
            {
                entries.Arrays.Add(name[prefix.Length..], tensor.ToFloats());
            }
        }

        try
        {
            part.Load(entries);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or NullReferenceException or InvalidOperationException or FormatException or ArgumentException)
        {
            throw new CheckpointException($"{checkpoint.Path}: the state of '{part.CheckpointKey}' is not what it should be: {e.Message}", e);
        }
    }

    private List<ICheckpointed> Parts() => [.. callbacks.OfType<ICheckpointed>()];

    private IEnumerable<(string Name, Tensor Tensor)> ModelTensors() =>
        _model.Parameters().Select(p => (p.Name, p.Value)).Concat(_model.Buffers().Select(b => (b.Name, b.Value)));

    // Of parameters that have state.
    private IEnumerable<(string Name, Tensor Tensor)> OptimizerTensors(IEnumerable<string> names)
    {
        var chosen = names.ToHashSet(StringComparer.Ordinal);
        return _model.Parameters()
            .Where(p => chosen.Contains(p.Name))
            .SelectMany(p => _optimizer.StateNames.Select((state, i) => ($"{p.Name}.{state}", _optimizer.StateOf(p)!.Tensors[i])));
    }

    private void Check(Checkpoint checkpoint)
    {
        var header = checkpoint.Header;
        void Same<T>(string what, T found, T expected)
        {
            if (!EqualityComparer<T>.Default.Equals(found, expected))
            {
                throw new CheckpointException(FormattableString.Invariant($"{checkpoint.Path}: a checkpoint of {what} {found}, this run has {expected}"));
            }
        }

        Same("model", header.Model, _model.Name);
        Same("optimizer", header.Optimizer, OptimizerName);
        Same("seed", header.Seed, seed);
        Same("steps per epoch", header.StepsPerEpoch, context.StepsPerEpoch);
        Same("parts", Listed(header.Parts.Keys), Listed(Parts().Select(p => p.CheckpointKey)));
        if (header.Step > context.TotalSteps)
        {
            throw new CheckpointException($"{checkpoint.Path}: a checkpoint of step {header.Step}, this run has {context.TotalSteps} steps");
        }

        long inEpoch = header.Step - ((long)header.Epoch * header.StepsPerEpoch);
        if (header.Step < 0 || header.Epoch < 0 || inEpoch < 0 || inEpoch > header.StepsPerEpoch || header.DeviceScore.Length != ScoreBoard.Slots)
        {
            throw new CheckpointException($"{checkpoint.Path}: step {header.Step} and epoch {header.Epoch} do not belong together at {header.StepsPerEpoch} steps per epoch");
        }

        CheckFreezeState(checkpoint);
        CheckCosts(checkpoint);
        CheckTensors(checkpoint);
    }

    private static string Listed(IEnumerable<string> keys) =>
        string.Join(", ", keys.Order(StringComparer.Ordinal).Select(k => $"'{k}'").DefaultIfEmpty("none"));

    private void CheckFreezeState(Checkpoint checkpoint)
    {
        var known = _model.Parameters().Select(p => p.Name).ToList();
        foreach (string name in checkpoint.Header.Frozen.Where(f => !known.Exists(k => DottedName.IsWithin(k, f))))
        {
            throw new CheckpointException($"{checkpoint.Path}: '{name}' is frozen there, {_model.Name} has nothing of that name");
        }

        foreach (string name in checkpoint.Header.OptimizerSteps.Keys.Except(known))
        {
            throw new CheckpointException($"{checkpoint.Path}: the optimizer has state of '{name}', {_model.Name} has nothing of that name");
        }
    }

    private static void CheckCosts(Checkpoint checkpoint)
    {
        if (!checkpoint.Header.Costs.IsComplete)
        {
            throw new CheckpointException($"{checkpoint.Path}: the costs of its phases are not those of this version");
        }
    }

    private void CheckTensors(Checkpoint checkpoint)
    {
        var expected = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, tensor) in ModelTensors())
        {
            expected.Add(Checkpoint.ModelPrefix + name, StoredTensor.Describe("F32", tensor.Shape.ToArray()));
        }

        foreach (var counter in _model.Counters())
        {
            expected.Add(Checkpoint.ModelPrefix + counter.Name, StoredTensor.Describe("I64", []));
        }

        foreach (var parameter in _model.Parameters().Where(p => checkpoint.Header.OptimizerSteps.ContainsKey(p.Name)))
        {
            foreach (string state in _optimizer.StateNames)
            {
                expected.Add($"{Checkpoint.OptimizerPrefix}{parameter.Name}.{state}", StoredTensor.Describe("F32", parameter.Shape.ToArray()));
            }
        }

        var wrong = new List<string>();
        var tensors = checkpoint.File.Tensors;
        wrong.AddRange(expected.Keys.Where(name => !tensors.ContainsKey(name)).Select(name => $"{name} is missing"));
        foreach (var (name, tensor) in tensors)
        {
            if (expected.TryGetValue(name, out string? shape))
            {
                if (tensor.ToString() != shape)
                {
                    wrong.Add($"{name} is {tensor}, {shape} is expected");
                }
            }
            else if (!checkpoint.Header.Parts.Keys.Any(key => name.StartsWith($"{Checkpoint.StatePrefix}{key}.", StringComparison.Ordinal)))
            {
                wrong.Add($"{name} is not expected");
            }
        }

        if (wrong.Count > 0)
        {
            string rest = wrong.Count > LargestList ? $"; and {wrong.Count - LargestList} more" : "";
            throw new CheckpointException($"{checkpoint.Path}: does not fit {_model.Name}: {string.Join("; ", wrong.Take(LargestList))}{rest}");
        }
    }
}
