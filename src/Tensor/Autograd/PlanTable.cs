using System.Globalization;
using System.Text;
using SmartFrz.Kernels;

namespace SmartFrz.Tensors;

/// <summary>Prints a backward plan: layer by layer, what is computed, what is skipped and why.</summary>
public static class PlanTable
{
    /// <summary>The table of a plan, a line a layer.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="names">The ledger that knows the layers' names.</param>
    public static string Format(BackwardPlan plan, LaunchLedger names)
    {
        var layers = new List<LayerId>();
        var run = new Dictionary<LayerId, (LaunchTotals Input, LaunchTotals Weight)>();
        var skipped = new Dictionary<LayerId, (LaunchTotals Avoided, SortedSet<string> Why)>();
        foreach (var step in plan.Steps)
        {
            Seen(step.Layer);
            var sums = run.GetValueOrDefault(step.Layer);
            run[step.Layer] = (sums.Input + step.BackwardInput, sums.Weight + step.BackwardWeight);
        }

        foreach (var skip in plan.Skips)
        {
            Seen(skip.Layer);
            if (!skipped.TryGetValue(skip.Layer, out var sums))
            {
                sums = (default, new SortedSet<string>(StringComparer.Ordinal));
            }

            sums.Why.Add($"{(skip.Phase == Phase.BackwardWeight ? "dW" : "dx")}: {skip.Reason}");
            skipped[skip.Layer] = (sums.Avoided + skip.Avoided, sums.Why);
        }

        var text = new StringBuilder();
        text.AppendLine(string.Create(CultureInfo.InvariantCulture, $"{"layer",-24}{"dx",4}{"dW",4}{"GFLOP",10}{"skipped",9}{"GFLOP",10}  why"));
        foreach (var layer in layers.OrderBy(l => l.Index))
        {
            var (input, weight) = run.GetValueOrDefault(layer);
            var (avoided, why) = skipped.GetValueOrDefault(layer);
            string name = names.NameOf(layer) is { Length: > 0 } known ? known : "(network)";
            text.AppendLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{name,-24}{input.Launches,4}{weight.Launches,4}{(input.Flops + weight.Flops) / 1e9,10:0.000}{avoided.Launches,9}{avoided.Flops / 1e9,10:0.000}  {string.Join("  ", why ?? [])}"));
        }

        var total = plan.BackwardInput + plan.BackwardWeight;
        text.Append(string.Create(CultureInfo.InvariantCulture, $"{total.Launches} launches, {total.Flops / 1e9:0.000} GFLOP"));
        return text.ToString();

        void Seen(LayerId layer)
        {
            if (!layers.Contains(layer))
            {
                layers.Add(layer);
            }
        }
    }
}
