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
        var resume = new Option<bool>("--resume") { Description = "Goes on from the last checkpoint in --out, bit by bit as if it had never stopped" };
        foreach (Option option in new Option[] { output, resume, explain, quiet, json })
        {
            command.Options.Add(option);
        }

        command.SetAction((result, stop) => Task.FromResult(Run(
            Config(run, result, result.GetValue(output), result.GetValue(resume)),
            result.GetValue(output),
            result.GetValue(resume),
            result.GetValue(explain),
            result.GetValue(quiet),
            result.GetValue(json),
            stop)));
        return command;
    }

    // A run that goes on keeps the configuration it began with; named options may still change it.
    private static RunConfig Config(RunOptions run, ParseResult result, string? output, bool resume)
    {
        if (!resume)
        {
            return run.Read(result);
        }

        if (output is null)
        {
            throw new OptionException("--resume needs --out with the directory of the run");
        }

        string path = Path.Combine(output, "config.json");
        return File.Exists(path)
            ? run.Read(result, RunOptions.ReadFile(new FileInfo(path)))
            : throw new OptionException($"--resume: {path} does not exist: there is no run in {output}");
    }

    private static int Run(RunConfig config, string? output, bool resume, bool explain, bool quiet, bool json, CancellationToken stop)
    {
        string path = output ?? Path.Combine("runs", string.Create(
            CultureInfo.InvariantCulture, $"{TimeProvider.System.GetLocalNow():yyyyMMdd-HHmmss}-{config.Model["name"]}-{config.Freeze["policy"]}"));
        string checkpoints = RunDirectory.CheckpointsIn(path);
        using var run = new FreezeRun(config, EmbeddedData.Open, checkpoints: checkpoints, loadWeights: !resume);
        Notices.Print(run.Data);
        Notices.Print(run.WeightsReport);
        using var directory = new RunDirectory(path, run);
        if (explain)
        {
            run.Trainer.Add(new PlanPrinter());
        }

        // A picture and a plan cannot stand in the same place.
        var progress = ProgressDisplay.Create(quiet, plain: explain);
        progress.Watch(run, "");
        if (resume)
        {
            run.Trainer.Resume(Path.Combine(checkpoints, "last.safetensors"));
        }

        var (result, summary) = progress.While(() => run.Run(stop));
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
