using SmartFrz.Kernels;
using SmartFrz.Nn;
using SmartFrz.Nn.Data;
using SmartFrz.Nn.Options;
using SmartFrz.Tensors;

namespace SmartFrz.Freeze;

/// <summary>How labelled histories are collected.</summary>
public sealed record CollectOptions
{
    /// <summary>Window and sample.</summary>
    public WeightHistoryOptions History { get; init; } = new();

    /// <summary>How curves become labels.</summary>
    public LabelRule Label { get; init; } = new();

    /// <summary>Examples taken of each layer in an epoch, once its window is full.</summary>
    /// <value>Default 4.</value>
    public int ChecksPerEpoch { get; init; } = 4;

    /// <summary>Images of a probe batch.</summary>
    /// <value>Default 64.</value>
    public int ProbeBatch { get; init; } = 64;

    /// <summary>Probe batches.</summary>
    /// <value>Default 4.</value>
    public int ProbeBatches { get; init; } = 4;
}

/// <summary>
/// Makes labelled weight histories: trains a reference, then trains again from other seeds, records the layers' histories and
/// compares their outputs with the reference's. The labels are known once a run has ended.
/// </summary>
/// <remarks>Source: SmartFRZ (arXiv 2401.16720), the offline part.</remarks>
public sealed class HistoryCollector(CollectOptions options, Func<string, Stream?>? embedded, Action<string>? log = null)
{
    /// <summary>Collects from one network and data set.</summary>
    /// <param name="config">The runs' configuration; its policy and seed do not matter.</param>
    /// <param name="referenceSeed">The seed of the reference.</param>
    /// <param name="seeds">The seeds of the runs that are recorded.</param>
    /// <param name="into">Where examples go.</param>
    /// <param name="stop">Ends the collection with an <see cref="OperationCanceledException"/>.</param>
    public void Collect(RunConfig config, ulong referenceSeed, IReadOnlyList<ulong> seeds, HistoryDataset into, CancellationToken stop = default)
    {
        if (seeds.Contains(referenceSeed))
        {
            throw new OptionException($"seed {referenceSeed} is the reference's and also among the recorded seeds {string.Join(", ", seeds)}");
        }

        using var device = FreezeRun.OpenDevice(config.Device);
        var data = FreezeRun.OpenData(config, embedded);
        foreach (string note in data.Notes)
        {
            log?.Invoke(note);
        }

        var probe = new LayerProbe(data.Evaluation(options.ProbeBatch), options.ProbeBatches);
        using (var reference = Start(config, referenceSeed, device, data))
        {
            var result = reference.Trainer.Run(stop);
            stop.ThrowIfCancellationRequested();
            log?.Invoke(FormattableString.Invariant($"{reference.Network.Name}: reference seed {referenceSeed} reaches {result.Last!.Accuracy:0.0000} in {result.TrainSeconds:0} s"));
            probe.SetReference(reference.Network);
        }

        foreach (ulong seed in seeds)
        {
            using var run = Start(config, seed, device, data);
            using var engine = run.Engine.CreateSibling(Phase.Freeze);
            using var recorder = new Recorder(run, engine, probe, options);
            run.Trainer.Add(recorder);
            var result = run.Trainer.Run(stop);
            stop.ThrowIfCancellationRequested();
            int before = into.Records.Count;
            recorder.Label(into, (string)config.Data["name"]!, seed);
            int added = into.Records.Count - before, positive = into.Records.Skip(before).Count(r => r.Freeze);
            log?.Invoke(FormattableString.Invariant($"{run.Network.Name}: seed {seed} reaches {result.Last!.Accuracy:0.0000}; {added} examples, {positive} of them settled, in {result.TrainSeconds:0} s"));
        }
    }

    private static FreezeRun Start(RunConfig config, ulong seed, Device device, DataSplits data) =>
        new(
            config with
            {
                Train = config.Train with { Seed = seed },
                Freeze = new System.Text.Json.Nodes.JsonObject { ["policy"] = "none" },
            },
            device: device,
            data: data);

    private sealed class Recorder(FreezeRun run, Engine engine, LayerProbe probe, CollectOptions options) : ITrainingCallback, IDisposable
    {
        private readonly LayerHistories _histories = new(engine, run.Network, run.Network.Units.Where(u => !u.IsHead), options.History, 0);
        private readonly List<Check> _checks = [];

        public void RunStarting(TrainingContext context) => _histories.Record();

        public void StepEnded(TrainingContext context)
        {
            if (context.Step % options.History.IntervalFor(context.StepsPerEpoch) == 0)
            {
                _histories.Record();
            }

            int interval = Math.Max(1, context.StepsPerEpoch / options.ChecksPerEpoch);
            if (context.Step % interval != 0 || !_histories.All.All(h => h.History.IsFull))
            {
                return;
            }

            var windows = _histories.All.Select(h => Read(h.History)).ToList();
            _checks.Add(new Check(context.Step, (double)context.Step / context.TotalSteps, windows, probe.Measure(run.Network)));
        }

        public void Label(HistoryDataset into, string data, ulong seed)
        {
            for (int h = 0; h < _histories.All.Count; h++)
            {
                var parameter = _histories.All[h].History.Parameter;
                string layer = run.Network.Modules().First(m => m.OwnParameters.Contains(parameter)).Path;
                double[] curve = [.. _checks.Select(c => c.Similarity[layer])];
                bool[] labels = options.Label.Labels(curve);
                for (int i = 0; i < curve.Length; i++)
                {
                    into.Add(new HistoryRecord(run.Network.Name, data, seed, layer, _checks[i].Step, _checks[i].Progress, curve[i], labels[i]), _checks[i].Windows[h]);
                }
            }
        }

        public void Dispose() => _histories.Dispose();

        private Half[] Read(WeightHistory history)
        {
            using (engine.BeginStep())
            {
                var window = engine.NewTensor(new Shape(options.History.Window, options.History.Samples));
                history.ReadWindow(window);
                return Array.ConvertAll(window.ToArray(), v => (Half)v);
            }
        }

        private sealed record Check(long Step, double Progress, List<Half[]> Windows, IReadOnlyDictionary<string, double> Similarity);
    }
}
