using System.Globalization;
using System.Text.Json.Nodes;
using SmartFrz.Freeze;
using SmartFrz.Kernels.Cpu;

namespace SmartFrz.Bench.Pairs;

/// <summary>A training step: the network, its batch, and how much of it is frozen.</summary>
internal sealed record StepSettings
{
    /// <summary>The section <c>model</c> of a configuration.</summary>
    public JsonObject Model { get; init; } = [];

    public int Batch { get; init; } = 1;

    /// <summary>Percentages of the units, from the input on.</summary>
    public IReadOnlyList<double> Frozen { get; init; } = [0, 25, 50, 75];
}

/// <summary>Training steps with frozen prefixes; a part for each percentage.</summary>
internal sealed class StepKind : WorkKind<StepSettings>
{
    public override string Name => "step";

    protected override Work Create(CpuDevice device, StepSettings s) => new Step(device, s);

    private sealed class Step : Work
    {
        private readonly Dictionary<string, BenchCandidate> _candidates = [];

        public Step(CpuDevice device, StepSettings s)
        {
            var config = RunConfig.Read(new JsonObject
            {
                ["model"] = s.Model.DeepClone(),
                ["data"] = new JsonObject { ["name"] = "synthetic" },
                // As the peer: momentum and nothing else.
                ["optimizer"] = new JsonObject { ["name"] = "sgd", ["lr"] = 0.01, ["momentum"] = 0.9, ["nesterov"] = false, ["weight_decay"] = 0 },
                ["train"] = new JsonObject { ["batch"] = s.Batch },
            });
            foreach (double percent in s.Frozen)
            {
                // More steps than anyone times: the schedule has no end.
                var candidate = new BenchCandidate(config, new StepBenchOptions { Steps = 1_000_000 }, percent, device);
                _candidates.Add(percent.ToString(CultureInfo.InvariantCulture), candidate);
            }

            Parts = [.. _candidates.Select(c => new WorkPart(c.Key, () => c.Value.Step(measured: true)))];
        }

        public override IReadOnlyList<WorkPart> Parts { get; }

        public override long? PeakBytes(string part) => _candidates[part].PeakBytes;

        public override void Dispose()
        {
            foreach (var candidate in _candidates.Values)
            {
                candidate.Dispose();
            }
        }
    }
}
