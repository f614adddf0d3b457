namespace SmartFrz.Freeze;

/// <summary>The report of a comparison as one HTML page without outside resources.</summary>
public static class ComparisonReport
{
    /// <summary>The page.</summary>
    public static string Html(ComparisonResult result)
    {
        var first = result.Runs[0];
        var colours = result.Table.Select((row, i) => (Colour: SvgChart.Colours[i % SvgChart.Colours.Count], Name: row.Policy)).ToList();
        return new HtmlPage($"{first.Model} on {first.Data}: {string.Join(", ", result.Table.Select(r => r.Policy))}")
            .Paragraph(Text($"{result.Runs.Select(r => r.Seed).Distinct().Count()} seeds, {first.Epochs} epochs, {first.Device.Name}, {first.Device.Threads} threads. Differences and ratios are to {result.Table[0].Policy} with the same seed; intervals are 95 % (Student's t)."))
            .Table(
                ["policy", "test accuracy", "difference", "FLOPs", "train time", "peak memory", "predictor"],
                result.Table.Select(row => (string[])
                [
                    row.Policy, Percent(row.TestAccuracy), Percent(row.AccuracyDifference), Ratio(row.Flops), Ratio(row.TrainSeconds), Ratio(row.PeakBytes),
                    row.PredictorShare is { } share ? Text($"{100 * share:0.00} %") : "",
                ]))
            .Heading("Accuracy and cost")
            .Legend(colours)
            .Drawing(SvgChart.Draw(
                "test accuracy over FLOPs, a dot for each run",
                "FLOPs, % of those of the same steps with nothing frozen",
                "test accuracy %",
                [.. colours.Select(c => new ChartSeries(c.Name, c.Colour, [.. result.Runs.Where(r => r.Policy == c.Name).Select(r => (100 * Share(r), 100 * r.TestAccuracy ?? double.NaN))], Joined: false, Marked: true))]))
            .Heading("Runs")
            .Table(
                ["policy", "seed", "test accuracy", "FLOPs of unfrozen", "train s", "*frozen (unit @ epoch)"],
                result.Runs.Select(run => (string[])
                [
                    run.Policy, Text($"{run.Seed}"), run.TestAccuracy is { } a ? Text($"{100 * a:0.00} %") : "", Text($"{100 * Share(run):0.0} %"), Text($"{run.TrainSeconds:0.0}"),
                    string.Join(", ", run.Frozen.Select(f => Text($"{f.Layer} @ {f.Epoch:0.0}"))),
                ]))
            .ToString();
    }

    private static double Share(RunSummary run) => run.Flops.UnfrozenTotal == 0 ? 1 : (double)run.Flops.Total / run.Flops.UnfrozenTotal;

    private static string Percent(Estimate e) =>
        e.Low is { } low && e.High is { } high ? Text($"{100 * e.Mean:0.00} % ({100 * low:0.00} to {100 * high:0.00})") : Text($"{100 * e.Mean:0.00} %");

    private static string Ratio(Estimate e) =>
        e.Low is { } low && e.High is { } high ? Text($"{e.Mean:0.000} ({low:0.000} to {high:0.000})") : Text($"{e.Mean:0.000}");

    private static string Text(FormattableString text) => FormattableString.Invariant(text);
}
