using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using SmartFrz.Freeze;
using SmartFrz.Nn.Options;

namespace SmartFrz.Cli;

/// <summary><c>train</c>: one run with a freezing policy.</summary>
internal sealed class TrainCommand : ICliCommand
{
    public int Order => 10;

    public Command Build()
    {
        var command = new Command("train", "Trains a network with a freezing policy; with no option: the small ResNet on the embedded data with smartfrz");
        var run = new RunOptions(command);
        var output = new Option<string?>("--out") { Description = "The directory of the run's files; by default runs/TIME-MODEL-POLICY" };
        var explain = new Option<bool>("--explain") { Description = "Prints the backward plan of the first step and of each change: what runs, what is skipped and why" };
        var quiet = new Option<bool>("--quiet") { Description = "No progress" };
        var json = new Option<bool>("--json") { Description = "The summary as one JSON document on standard output; progress goes to standard error" };
        foreach (Option option in new Option[] { output, explain, quiet, json })
        {
            command.Options.Add(option);
        }

        command.SetAction((result, stop) => Task.FromResult(Run(
            run.Read(result), result.GetValue(output), result.GetValue(explain), result.GetValue(quiet), result.GetValue(json), stop)));
        return command;
    }

    private static int Run(RunConfig config, string? output, bool explain, bool quiet, bool json, CancellationToken stop)
    {
        using var run = new FreezeRun(config, EmbeddedData.Open);
        string path = output ?? Path.Combine("runs", string.Create(
            CultureInfo.InvariantCulture, $"{TimeProvider.System.GetLocalNow():yyyyMMdd-HHmmss}-{run.Network.Name}-{run.Freezing.Policy.Name}"));
        using var directory = new RunDirectory(path, run);
        if (explain)
        {
            run.Trainer.Add(new PlanPrinter());
        }

        if (!quiet)
        {
            run.Trainer.Add(new ProgressPrinter(run));
        }

        var (result, summary) = run.Run(stop);
        directory.Write(summary);
        if (json)
        {
            Console.WriteLine(JsonSerializer.Serialize(summary, OptionBinder.Json));
        }
        else if (!quiet)
        {
            SummaryTable.Print([summary]);
            Console.WriteLine($"files: {path}");
        }

        return result.Interrupted ? Failure.Interrupted : Failure.None;
    }
}
