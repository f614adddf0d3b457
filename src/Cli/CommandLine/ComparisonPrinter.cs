using System.Globalization;
using SmartFrz.Freeze;
using Spectre.Console;

namespace SmartFrz.Cli;

/// <summary>The table of a comparison.</summary>
internal static class ComparisonPrinter
{
    /// <summary>Prints it.</summary>
    public static void Print(ComparisonResult outcome)
    {
        var table = new Table().AddColumns("policy", "test accuracy %", "difference %", "FLOPs", "train time", "peak memory", "predictor %");
        foreach (var row in outcome.Table)
        {
            table.AddRow(
                row.Policy,
                Text(row.TestAccuracy, 100, "0.00"),
                Text(row.AccuracyDifference, 100, "0.00"),
                Text(row.Flops, 1, "0.000"),
                Text(row.TrainSeconds, 1, "0.000"),
                Text(row.PeakBytes, 1, "0.000"),
                row.PredictorShare is { } share ? (100 * share).ToString("0.00", CultureInfo.InvariantCulture) : "");
        }

        AnsiConsole.Write(table);
        Console.WriteLine($"{outcome.Table[0].Runs} seeds; differences and ratios are to {outcome.Table[0].Policy} with the same seed, in brackets the 95 % interval");
    }

    private static string Text(Estimate e, double factor, string format)
    {
        string F(double v) => (factor * v).ToString(format, CultureInfo.InvariantCulture);
        return e.Low is { } low && e.High is { } high ? $"{F(e.Mean)} ({F(low)} to {F(high)})" : F(e.Mean);
    }
}
