namespace SmartFrz.Freeze;

/// <summary>The figures of a run that a reader looks for first, as texts: for tables on screens and pages.</summary>
public static class RunFigures
{
    /// <summary>Names and values, the same names for every run on the same data.</summary>
    public static IReadOnlyList<(string Name, string Value)> Of(RunSummary run) =>
    [
        ("test accuracy", run.TestAccuracy is { } a ? Text($"{100 * a:0.00} %") : "not evaluated"),
        .. (run.Mcc is { } mcc ? [("test MCC", Text($"{mcc:0.0000}"))] : run.F1 is { } f1 ? [("test F1", Text($"{f1:0.0000}"))] : ((string, string)[])[]),
        ("train time", Text($"{run.TrainSeconds:0.0} s")),
        ("FLOPs", Text($"{run.Flops.Total / 1e9:0.0} G, {Percent(run.Flops.Total, run.Flops.UnfrozenTotal)} of unfrozen")),
        ("peak memory", Text($"{run.Memory.PeakBytes / 1048576.0:0.0} MiB")),
        ("gradients, first and last step", Text($"{run.Memory.GradientBytesFirstStep / 1024.0:0} and {run.Memory.GradientBytesLastStep / 1024.0:0} KiB")),
        ("saved activations, first and last step", Text($"{run.Memory.SavedBytesFirstStep / 1048576.0:0.0} and {run.Memory.SavedBytesLastStep / 1048576.0:0.0} MiB")),
        ("frozen", run.Frozen.Count == 0 ? "nothing" : string.Join(", ", run.Frozen.Select(f => Text($"{f.Layer} @ {f.Epoch:0.0}")))),
        ("predictor", run.Predictor is { } p ? Text($"{p.Bytes / 1048576.0:0.00} MiB, {100 * p.ShareOfTrainSeconds:0.00} % of train time") : "none"),
    ];

    private static string Percent(long part, long whole) => whole == 0 ? "?" : Text($"{100.0 * part / whole:0.0} %");

    private static string Text(FormattableString text) => FormattableString.Invariant(text);
}
