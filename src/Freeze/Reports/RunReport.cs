using System.Text.Json;
using SmartFrz.Nn;
using SmartFrz.Nn.Options;

namespace SmartFrz.Freeze;

/// <summary>The report of a run as one HTML page without outside resources.</summary>
public static class RunReport
{
    /// <summary>The page.</summary>
    /// <param name="summary">How it ended.</param>
    /// <param name="curves">How loss and accuracy went.</param>
    /// <param name="units">The network's units in forward order.</param>
    /// <param name="events">What was frozen and thawed, in order.</param>
    /// <param name="config">Its configuration.</param>
    public static string Html(RunSummary summary, RunCurves curves, IReadOnlyList<FreezableUnit> units, IReadOnlyList<FreezeEvent> events, RunConfig config)
    {
        double epochs = config.Train.Epochs;
        double end = Math.Max(summary.Epochs, curves.Steps.Count > 0 ? curves.Steps[^1].Epoch : 0);
        string stopped = end < epochs ? Text($" Stopped at epoch {end:0.##} of {epochs}.") : "";
        var (train, test) = (SvgChart.Colours[0], SvgChart.Colours[1]);
        var page = new HtmlPage($"{summary.Model} on {summary.Data}: {summary.Policy}")
            .Paragraph(Text($"Seed {summary.Seed}, {summary.Steps} steps in {summary.Epochs} epochs, {summary.Precision} on {summary.Device.Name}, {summary.Device.Threads} threads.{stopped}"))
            .Table(["", "*"], RunFigures.Of(summary).Select(f => (string[])[f.Name, f.Value]))
            .Heading("Loss and accuracy")
            .Legend((train, "training"), (test, "test"))
            .Drawing(SvgChart.Draw(
                "loss over epochs",
                "epoch",
                "loss",
                [new("training loss", train, Points(curves.Steps, p => p.Loss)), new("test loss", test, Points(curves.Tests, p => p.Loss), Marked: true)],
                (0, epochs)))
            .Drawing(SvgChart.Draw(
                "accuracy over epochs",
                "epoch",
                "accuracy %",
                [
                    new("training accuracy", train, Points(curves.Steps, p => 100 * p.Accuracy)),
                    new("test accuracy", test, Points(curves.Tests, p => 100 * p.Accuracy), Marked: true),
                ],
                (0, epochs)))
            .Heading("Freezing")
            .Legend((FreezeTimeline.Trained, "trained"), (FreezeTimeline.Frozen, "frozen"))
            .Drawing(FreezeTimeline.Draw([.. units.Select(u => u.Name)], events, end, epochs));
        if (events.Count > 0)
        {
            page.Table(
                ["*unit", "*", "step", "epoch", "score", "*reason"],
                events.Select(e => (string[])[e.Unit, e.Frozen ? "frozen" : "thawed", Text($"{e.Step}"), Text($"{e.Epoch:0.00}"), e.Score is { } s ? Text($"{s:0.000}") : "", e.Reason]));
        }

        page.Heading("Cost by phase").Table(["phase", "seconds", "GFLOP", "launches"], Phases(summary));
        return page.Details("Configuration", JsonSerializer.Serialize(config, OptionBinder.Json)).ToString();
    }

    private static IEnumerable<string[]> Phases(RunSummary run)
    {
        var (s, f, l) = (run.Seconds, run.Flops, run.Launches);
        yield return Phase("forward", s.Forward, f.Forward, l.Forward);
        yield return Phase("backward, inputs", s.BackwardInput, f.BackwardInput, l.BackwardInput);
        yield return Phase("backward, weights", s.BackwardWeight, f.BackwardWeight, l.BackwardWeight);
        yield return Phase("update", s.Update, f.Update, l.Update);
        yield return Phase("freezing itself", s.Freeze, f.Freeze, l.Freeze);
        yield return ["data", Text($"{s.Data:0.00}"), "", ""];
        yield return ["all", "", Text($"{f.Total / 1e9:0.00}"), ""];
        yield return ["all, had nothing frozen", "", Text($"{f.UnfrozenTotal / 1e9:0.00}"), ""];
    }

    private static string[] Phase(string name, double seconds, long flops, long launches) => [name, Text($"{seconds:0.00}"), Text($"{flops / 1e9:0.00}"), Text($"{launches}")];

    private static List<(double X, double Y)> Points(
        IReadOnlyList<(double Epoch, double Loss, double Accuracy)> curve, Func<(double Epoch, double Loss, double Accuracy), double> value) => [.. curve.Select(p => (p.Epoch, value(p)))];

    private static string Text(FormattableString text) => FormattableString.Invariant(text);
}
