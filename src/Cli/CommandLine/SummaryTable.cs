using System.Globalization;
using SmartFrz.Freeze;
using Spectre.Console;

namespace SmartFrz.Cli;

/// <summary>The table at the end of a run.</summary>
internal static class SummaryTable
{
    /// <summary>Prints a column for each run.</summary>
    public static void Print(IReadOnlyList<RunSummary> runs)
    {
        var table = new Table().AddColumn("");
        foreach (var run in runs)
        {
            table.AddColumn(string.Create(CultureInfo.InvariantCulture, $"{run.Model} {run.Policy} seed {run.Seed}"));
        }

        void Row(string name, Func<RunSummary, string> value) => table.AddRow([name, .. runs.Select(r => Markup.Escape(value(r)))]);
        Row("test accuracy", r => r.TestAccuracy is { } a ? Text($"{100 * a:0.00} %") : "not evaluated");
        Row("train time", r => Text($"{r.TrainSeconds:0.0} s"));
        Row("FLOPs", r => Text($"{r.Flops.Total / 1e9:0} G, {Percent(r.Flops.Total, r.Flops.UnfrozenTotal)} of unfrozen"));
        Row("peak memory", r => Text($"{r.Memory.PeakBytes / 1048576.0:0.0} MiB"));
        Row("gradients, first and last step", r => Text($"{r.Memory.GradientBytesFirstStep / 1024.0:0} and {r.Memory.GradientBytesLastStep / 1024.0:0} KiB"));
        Row("saved activations, first and last step", r => Text($"{r.Memory.SavedBytesFirstStep / 1048576.0:0.0} and {r.Memory.SavedBytesLastStep / 1048576.0:0.0} MiB"));
        Row("frozen", r => r.Frozen.Count == 0 ? "nothing" : string.Join(", ", r.Frozen.Select(f => Text($"{f.Layer} @ {f.Epoch:0.0}"))));
        Row("predictor", r => r.Predictor is { } p
            ? Text($"{p.Bytes / 1048576.0:0.00} MiB, {100 * p.ShareOfTrainSeconds:0.00} % of train time")
            : "none");
        AnsiConsole.Write(table);
    }

    private static string Percent(long part, long whole) => whole == 0 ? "?" : Text($"{100.0 * part / whole:0.0} %");

    private static string Text(FormattableString text) => FormattableString.Invariant(text);
}
