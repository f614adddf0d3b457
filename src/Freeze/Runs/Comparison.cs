using System.Text.Json.Nodes;
using MathNet.Numerics.Distributions;
using MathNet.Numerics.Statistics;
using SmartFrz.Nn.Data;
using SmartFrz.Nn.Options;

namespace SmartFrz.Freeze;

/// <summary>A mean with its 95 % interval (Student's t); without an interval where there is a single value.</summary>
public sealed record Estimate(double Mean, double? Low, double? High)
{
    /// <summary>The estimate from independent values.</summary>
    public static Estimate Of(IReadOnlyList<double> values)
    {
        double mean = values.Mean();
        if (values.Count < 2)
        {
            return new Estimate(mean, null, null);
        }

        double half = StudentT.InvCDF(0, 1, values.Count - 1, 0.975) * values.StandardDeviation() / Math.Sqrt(values.Count);
        return new Estimate(mean, mean - half, mean + half);
    }
}

/// <summary>What a policy achieved over all seeds, beside the first policy of the comparison.</summary>
/// <param name="Policy">The policy.</param>
/// <param name="Runs">Its runs.</param>
/// <param name="TestAccuracy">Test accuracy, 0..1.</param>
/// <param name="AccuracyDifference">Test accuracy minus that of the first policy with the same seed.</param>
/// <param name="Flops">FLOPs over those of the first policy with the same seed, the policy's own work included.</param>
/// <param name="TrainSeconds">Training time over that of the first policy with the same seed.</param>
/// <param name="PeakBytes">Peak memory over that of the first policy with the same seed.</param>
/// <param name="PredictorShare">The predictor's share of the training time; null without one.</param>
public sealed record ComparisonRow(
    string Policy, int Runs, Estimate TestAccuracy, Estimate AccuracyDifference, Estimate Flops, Estimate TrainSeconds, Estimate PeakBytes, double? PredictorShare);

/// <summary>The outcome of a comparison, as in its <c>summary.json</c>.</summary>
public sealed record ComparisonResult(IReadOnlyList<RunSummary> Runs, IReadOnlyList<ComparisonRow> Table);

/// <summary>
/// Trains with several policies from the same initial weights and the same order of data, seed by seed, and compares each with the
/// first one in pairs.
/// </summary>
/// <remarks>
/// <c>random</c> gets the share of FLOPs that the first freezing policy of the list saved with the same seed, unless its options say
/// otherwise: it is the control of that one.
/// </remarks>
public sealed class Comparison(RunConfig config, IReadOnlyList<string> policies, IReadOnlyList<ulong> seeds, Func<string, Stream?>? embedded)
{
    /// <summary>Raised once the data are open, before the first run.</summary>
    public event Action<DataSplits>? Opened;

    /// <summary>Raised before each run, to add displays and files.</summary>
    public event Action<FreezeRun>? Starting;

    /// <summary>Raised after each run.</summary>
    public event Action<FreezeRun, RunSummary>? Finished;

    /// <summary>Runs everything.</summary>
    /// <exception cref="OptionException">A policy is unknown or named twice.</exception>
    /// <exception cref="OperationCanceledException">It was stopped; runs that had ended were reported.</exception>
    public ComparisonResult Run(CancellationToken stop = default)
    {
        Check();
        using var device = FreezeRun.OpenDevice(config.Device);
        var data = FreezeRun.OpenData(config, embedded);
        Opened?.Invoke(data);
        var runs = new List<RunSummary>();
        foreach (ulong seed in seeds)
        {
            double? saved = null;
            foreach (string policy in policies)
            {
                using var run = new FreezeRun(ConfigOf(policy, seed, saved), device: device, data: data);
                Starting?.Invoke(run);
                var (result, summary) = run.Run(stop);
                if (result.Interrupted)
                {
                    throw new OperationCanceledException(stop);
                }

                Finished?.Invoke(run, summary);
                runs.Add(summary);
                if (saved is null && policy != "none" && summary.Flops.UnfrozenTotal > 0)
                {
                    saved = 1 - ((double)summary.Flops.Total / summary.Flops.UnfrozenTotal);
                }
            }
        }

        return new ComparisonResult(runs, [.. policies.Select(p => Row(p, runs))]);
    }

    private void Check()
    {
        var known = FreezePolicies.All();
        foreach (string policy in policies)
        {
            OptionBinder.Find("policy", policy, known);
        }

        if (policies.Count == 0 || policies.Distinct().Count() != policies.Count || seeds.Count == 0)
        {
            throw new OptionException($"policies {string.Join(',', policies)} and seeds {string.Join(',', seeds)}: each needs at least one entry, and none twice");
        }
    }

    private RunConfig ConfigOf(string policy, ulong seed, double? saved)
    {
        var sections = new JsonObject { ["freeze"] = config.Freeze.DeepClone() };
        RunConfig.Rename(sections, "freeze", policy);
        var freeze = (JsonObject)sections["freeze"]!;
        if (policy == "random" && saved is > 0 && !freeze.ContainsKey("saved_share"))
        {
            freeze["saved_share"] = saved.Value;
            freeze["draw_seed"] = seed;
        }

        return config with { Freeze = freeze, Train = config.Train with { Seed = seed } };
    }

    private ComparisonRow Row(string policy, IReadOnlyList<RunSummary> runs)
    {
        var own = runs.Where(r => r.Policy == policy).ToList();
        var first = own.Select(r => runs.First(b => b.Policy == policies[0] && b.Seed == r.Seed)).ToList();
        Estimate Over(Func<RunSummary, double> value) => Estimate.Of([.. own.Zip(first, (a, b) => value(a) / value(b))]);
        return new ComparisonRow(
            policy,
            own.Count,
            Estimate.Of([.. own.Select(r => r.TestAccuracy ?? double.NaN)]),
            Estimate.Of([.. own.Zip(first, (a, b) => (a.TestAccuracy ?? double.NaN) - (b.TestAccuracy ?? double.NaN))]),
            Over(r => r.Flops.Total),
            Over(r => r.TrainSeconds),
            Over(r => r.Memory.PeakBytes),
            own.All(r => r.Predictor is not null) ? own.Average(r => r.Predictor!.ShareOfTrainSeconds) : null);
    }
}
