using SmartFrz.Kernels;
using SmartFrz.Nn;
using SmartFrz.Nn.Options;

namespace SmartFrz.Freeze;

/// <summary>What <see cref="StepBench"/> measures.</summary>
public sealed record StepBenchOptions
{
    /// <summary>Percentages of the network's units, from the input on, that are frozen.</summary>
    /// <value>Default 0, 25, 50, 75.</value>
    public IReadOnlyList<double> Frozen { get; init; } = [0, 25, 50, 75];

    /// <summary>Measured steps of each.</summary>
    /// <value>Default 20.</value>
    public int Steps { get; init; } = 20;

    /// <summary>Steps of each before them.</summary>
    /// <value>Default 3.</value>
    public int WarmUp { get; init; } = 3;

    /// <summary>Steps of each after them in which every kernel is timed by itself.</summary>
    /// <value>Default 5.</value>
    public int KernelSteps { get; init; } = 5;

    /// <summary>Rows and columns of the images; null for the network's own.</summary>
    public int? Size { get; init; }

    /// <summary>Tokens of the texts; null for the network's own.</summary>
    public int? Length { get; init; }
}

/// <summary>
/// Measures training steps with frozen prefixes: what freezing saves, beside what it could save. A step is forward pass,
/// cross-entropy, backward pass and update on a batch that is on the device already; its end is waited for.
/// </summary>
/// <remarks>
/// The prefixes take turns step by step, each with a network of its own, so that whatever else the machine does disturbs all alike.
/// Units: milliseconds, bytes.
/// </remarks>
public sealed class StepBench
{
    private readonly RunConfig _config;
    private readonly StepBenchOptions _options;

    /// <summary>A bench of the network, optimizer, batch size and seed of a configuration.</summary>
    /// <exception cref="OptionException">An option has no sense.</exception>
    public StepBench(RunConfig config, StepBenchOptions options)
    {
        OptionBinder.RequireAtLeast(1, config.Train.Batch, "train.batch");
        OptionBinder.RequireAtLeast(1, options.Steps, "steps");
        OptionBinder.RequireAtLeast(0, options.WarmUp, "warm-up");
        OptionBinder.RequireAtLeast(1, options.KernelSteps, "kernel-steps");
        OptionBinder.RequireAtLeast(1, options.Size ?? 1, "data.size");
        OptionBinder.RequireAtLeast(1, options.Length ?? 1, "data.length");
        new TrainerOptions { LabelSmoothing = config.Train.LabelSmoothing, ClipNorm = config.Train.ClipNorm }.Check();
        if (options.Frozen.Count == 0)
        {
            throw new OptionException("no share of frozen units is given, expected percentages as in 0,25,50");
        }

        (_config, _options) = (config, options);
    }

    /// <summary>Measures.</summary>
    /// <param name="device">Where; it stays the caller's.</param>
    /// <param name="stop">Ends the bench between two steps.</param>
    /// <exception cref="OptionException">A share leaves nothing to train, or an option does not fit the network.</exception>
    public StepBenchResult Run(Device device, CancellationToken stop = default)
    {
        var candidates = new List<BenchCandidate>();
        try
        {
            // What the others are compared with, asked for or not.
            var plain = Add(0);
            var measured = _options.Frozen.Select(percent => percent == 0 ? plain : Add(percent)).ToList();
            for (int step = 0; step < _options.WarmUp + _options.Steps; step++)
            {
                foreach (var candidate in candidates)
                {
                    stop.ThrowIfCancellationRequested();
                    candidate.Step(measured: step >= _options.WarmUp);
                }
            }

            for (int step = 0; step < _options.KernelSteps; step++)
            {
                foreach (var candidate in candidates)
                {
                    stop.ThrowIfCancellationRequested();
                    candidate.StepByKernels();
                }
            }

            return new StepBenchResult
            {
                Model = plain.Network.Name,
                Input = plain.Input.ToArray(),
                Device = new DeviceSummary(device.Kind, device.Name, device.Threads),
                Steps = _options.Steps,
                WarmUp = _options.WarmUp,
                Rows = [.. measured.Select(c => c.Row(plain))],
            };
        }
        finally
        {
            candidates.ForEach(c => c.Dispose());
        }

        BenchCandidate Add(double percent)
        {
            var candidate = new BenchCandidate(_config, _options, percent, device);
            candidates.Add(candidate);
            return candidate;
        }
    }
}
