using System.Net;
using System.Text;

namespace SmartFrz.Freeze;

/// <summary>The report of a comparison as one HTML page without outside resources.</summary>
public static class ComparisonReport
{
    /// <summary>The page.</summary>
    public static string Html(ComparisonResult result)
    {
        var first = result.Runs[0];
        var page = new StringBuilder("""
            <!DOCTYPE html>
            <html lang="en"><head><meta charset="utf-8"><title>Comparison of freezing policies</title>
            <style>body{font-family:sans-serif;margin:2em;max-width:70em}table{border-collapse:collapse;margin:1em 0}
            td,th{border:1px solid #ccc;padding:.3em .7em;text-align:right}td:first-child,th:first-child{text-align:left}
            .bar{display:inline-block;height:.8em;background:#47a}</style></head><body>

            """);
        page.AppendLine(Text($"<h1>{Escape(first.Model)} on {Escape(first.Data)}</h1>"));
        page.AppendLine(Text($"<p>{result.Runs.Select(r => r.Seed).Distinct().Count()} seeds, {first.Epochs} epochs, {Escape(first.Device.Name)}, {first.Device.Threads} threads. Differences and ratios are to <b>{Escape(result.Table[0].Policy)}</b> with the same seed; intervals are 95 % (Student's t).</p>"));
        page.AppendLine("<table><tr><th>policy</th><th>test accuracy</th><th>difference</th><th>FLOPs</th><th>train time</th><th>peak memory</th><th>predictor</th></tr>");
        foreach (var row in result.Table)
        {
            page.AppendLine(Text($"<tr><td>{Escape(row.Policy)}</td><td>{Percent(row.TestAccuracy)}</td><td>{Percent(row.AccuracyDifference)}</td><td>{Ratio(row.Flops)}</td><td>{Ratio(row.TrainSeconds)}</td><td>{Ratio(row.PeakBytes)}</td><td>{(row.PredictorShare is { } s ? Text($"{100 * s:0.00} %") : "")}</td></tr>"));
        }

        page.AppendLine("</table><h2>Runs</h2><table><tr><th>policy</th><th>seed</th><th>test accuracy</th><th>FLOPs of unfrozen</th><th>train s</th><th>frozen (unit @ epoch)</th></tr>");
        foreach (var run in result.Runs)
        {
            double share = run.Flops.UnfrozenTotal == 0 ? 1 : (double)run.Flops.Total / run.Flops.UnfrozenTotal;
            string frozen = string.Join(", ", run.Frozen.Select(f => Text($"{Escape(f.Layer)} @ {f.Epoch:0.0}")));
            page.AppendLine(Text($"<tr><td>{Escape(run.Policy)}</td><td>{run.Seed}</td><td>{100 * run.TestAccuracy ?? 0:0.00} %</td><td><span class=\"bar\" style=\"width:{share * 8:0.00}em\"></span> {100 * share:0.0} %</td><td>{run.TrainSeconds:0.0}</td><td>{frozen}</td></tr>"));
        }

        return page.Append("</table></body></html>").ToString();
    }

    private static string Percent(Estimate e) =>
        e.Low is { } low && e.High is { } high ? Text($"{100 * e.Mean:0.00} % ({100 * low:0.00} to {100 * high:0.00})") : Text($"{100 * e.Mean:0.00} %");

    private static string Ratio(Estimate e) =>
        e.Low is { } low && e.High is { } high ? Text($"{e.Mean:0.000} ({low:0.000} to {high:0.000})") : Text($"{e.Mean:0.000}");

    private static string Escape(string text) => WebUtility.HtmlEncode(text);

    private static string Text(FormattableString text) => FormattableString.Invariant(text);
}
