using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using SmartFrz.Freeze;
using SmartFrz.Nn.Options;
using SmartFrz.Nn.Weights;
using Spectre.Console;

namespace SmartFrz.Cli;

/// <summary><c>compare</c>: several policies and seeds from the same initial weights and data order.</summary>
internal sealed class CompareCommand : ICliCommand
{
    public int Order => 20;

    public Command Build()
    {
        var command = new Command("compare", "Trains with several policies and seeds from the same initial weights and data order; table, summary.json and report.html");
        var run = new RunOptions(command);
        var policies = new Option<string>("--policies") { Description = "Policies, separated by commas; the first is what the others are compared with", DefaultValueFactory = _ => "none,smartfrz,linear,random" };
        var seeds = new Option<string>("--seeds") { Description = "Seeds, separated by commas", DefaultValueFactory = _ => "1,2,3" };
        var output = new Option<string?>("--out") { Description = "The directory of the files; by default runs/TIME-compare" };
        var quiet = new Option<bool>("--quiet") { Description = "No progress" };
        var json = new Option<bool>("--json") { Description = "The result as one JSON document on standard output" };
        foreach (Option option in new Option[] { policies, seeds, output, quiet, json })
        {
            command.Options.Add(option);
        }

        command.SetAction((result, stop) =>
        {
            var config = run.Read(result);
            string path = result.GetValue(output) ?? Path.Combine("runs", TimeProvider.System.GetLocalNow().ToString("yyyyMMdd-HHmmss", CultureInfo.InvariantCulture) + "-compare");
            using var directory = new OutputDirectory(path);
            var comparison = new Comparison(config, result.GetValue(policies)!.Split(','), Seeds.Parse(result.GetValue(seeds)!), EmbeddedData.Open);
            using var files = new RunFiles(path, result.GetValue(quiet));
            comparison.Opened += Notices.Print;
            comparison.Starting += files.Open;
            comparison.Finished += files.Close;
            var outcome = comparison.Run(stop);
            AtomicFile.Write(Path.Combine(path, "summary.json"), s => JsonSerializer.Serialize(s, outcome, OptionBinder.Json));
            AtomicFile.WriteAllText(Path.Combine(path, "report.html"), ComparisonReport.Html(outcome));
            if (result.GetValue(json))
            {
                Console.WriteLine(JsonSerializer.Serialize(outcome, OptionBinder.Json));
            }
            else
            {
                Print(outcome);
                Console.WriteLine($"files: {path}");
            }

            return Task.FromResult(Failure.None);
        });
        return command;
    }

    private static void Print(ComparisonResult outcome)
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

    /// <summary>The files of the run under way, in a directory of its own.</summary>
    private sealed class RunFiles(string path, bool quiet) : IDisposable
    {
        private RunDirectory? _directory;

        public void Open(FreezeRun run)
        {
            string name = string.Create(CultureInfo.InvariantCulture, $"{run.Freezing.Policy.Name}-{run.Config.Train.Seed}");
            _directory = new RunDirectory(Path.Combine(path, name), run);
            if (!quiet)
            {
                run.Trainer.Add(new ProgressPrinter(run, name + ": "));
            }
        }

        public void Close(FreezeRun run, RunSummary summary)
        {
            _directory!.Write(summary);
            Dispose();
        }

        public void Dispose()
        {
            _directory?.Dispose();
            _directory = null;
        }
    }
}
