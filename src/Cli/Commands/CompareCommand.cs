using System.CommandLine;
using System.Globalization;
using SmartFrz.Freeze;

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
        var json = JsonOutput.Option();
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
            var outcome = ComparisonFiles.Run(comparison, path, result.GetValue(quiet), stop);
            if (result.GetValue(json))
            {
                JsonOutput.Print(outcome);
            }
            else
            {
                ComparisonPrinter.Print(outcome);
                Console.WriteLine($"files: {path}");
            }

            return Task.FromResult(Failure.None);
        });
        return command;
    }
}
