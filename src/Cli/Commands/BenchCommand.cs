using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using SmartFrz.Freeze;
using SmartFrz.Nn.Options;
using Spectre.Console;

namespace SmartFrz.Cli;

/// <summary><c>bench step</c>: how long training steps take, and what freezing makes of it.</summary>
internal sealed class BenchCommand : ICliCommand
{
    public int Order => 75;

    // SGD with momentum and nothing else, as the benches of other frameworks run it.
    private static JsonObject Defaults => new()
    {
        ["data"] = new JsonObject { ["name"] = "synthetic" },
        ["optimizer"] = new JsonObject { ["name"] = "sgd", ["lr"] = 0.01, ["momentum"] = 0.9, ["nesterov"] = false, ["weight_decay"] = 0 },
    };

    public Command Build()
    {
        var command = new Command("bench", "Timings");
        command.Subcommands.Add(Step());
        return command;
    }

    private static Command Step()
    {
        var defaults = new StepBenchOptions();
        var command = new Command("step", "Training steps with frozen prefixes of the network: time, memory, and what freezing could save at best; made-up data of the network's own size, or --set data.size=N, data.length=T");
        var run = new RunOptions(command, RunParts.Network | RunParts.Batch);
        var frozen = new Option<string>("--frozen") { Description = "Percentages of the units, from the input on, separated by commas", DefaultValueFactory = _ => "0,25,50,75" };
        var steps = new Option<int>("--steps") { Description = "Measured steps of each", DefaultValueFactory = _ => defaults.Steps };
        var warmUp = new Option<int>("--warm-up") { Description = "Steps of each before them", DefaultValueFactory = _ => defaults.WarmUp };
        var json = JsonOutput.Option();
        foreach (Option option in new Option[] { frozen, steps, warmUp, json })
        {
            command.Options.Add(option);
        }

        command.SetAction((result, stop) =>
        {
            var config = run.Read(result, Defaults);
            if ((string?)config.Data["name"] is not "synthetic" and var data)
            {
                throw new OptionException($"bench step makes its own data, '{data}' was asked for");
            }

            var size = OptionBinder.Bind<DataSize>(RunConfig.OptionsOf(config.Data, "name"), "data");
            var bench = new StepBench(config, new StepBenchOptions
            {
                Frozen = Percentages(result.GetValue(frozen)!),
                Steps = result.GetValue(steps),
                WarmUp = result.GetValue(warmUp),
                Size = size.Size,
                Length = size.Length,
            });
            using var device = FreezeRun.OpenDevice(config.Device);
            var outcome = bench.Run(device, stop);
            if (result.GetValue(json))
            {
                JsonOutput.Print(outcome);
            }
            else
            {
                Print(outcome);
            }

            return Task.FromResult(Failure.None);
        });
        return command;
    }

    private static List<double> Percentages(string text) =>
        [.. text.Split(',').Select(part => double.TryParse(part, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double percent) && percent <= 100
            ? percent
            : throw new OptionException($"'{part}' in --frozen {text} is no percentage, expected numbers as in 0,25,50"))];

    private static void Print(StepBenchResult outcome)
    {
        var table = new Table();
        foreach (string column in new[] { "%", "units", "median", "min", "cpu", "MiB", "managed", "time", "ledger", "FLOPs" })
        {
            table.AddColumn(new TableColumn(column).RightAligned());
        }

        foreach (var row in outcome.Rows)
        {
            table.AddRow(
                F(row.Frozen, "0.##"), F(row.K, "0") + "/" + F(row.Units, "0"), F(row.MedianMs, "0.00"), F(row.MinMs, "0.00"), F(row.CpuMs, "0.00"),
                F(row.PeakBytes / (double)(1 << 20), "0.0"), F(row.ManagedBytes, "0"), F(row.Measured, "0.000"), F(row.LedgerIdeal, "0.000"), F(row.FlopIdeal, "0.000"));
        }

        AnsiConsole.Write(table);
        Console.WriteLine(FormattableString.Invariant(
            $"{outcome.Model}, batch {string.Join('x', outcome.Input)}, {outcome.Steps} steps after {outcome.WarmUp}, {outcome.Device.Name}, {outcome.Device.Threads} threads"));
        Console.WriteLine("milliseconds of a step; peak memory; managed bytes allocated in a step; time as a share of the unfrozen step's, beside what timed kernels and counted FLOPs allow");
    }

    private static string F(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);

    private sealed record DataSize
    {
        public int? Size { get; init; }

        public int? Length { get; init; }
    }
}
