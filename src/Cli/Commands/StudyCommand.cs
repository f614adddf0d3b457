using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using SmartFrz.Freeze;
using SmartFrz.Nn.Options;
using SmartFrz.Nn.Weights;
using Spectre.Console;

namespace SmartFrz.Cli;

/// <summary><c>study list</c> and <c>study NAME</c>: the named experiments of the library.</summary>
internal sealed class StudyCommand : ICliCommand
{
    public int Order => 25;

    public Command Build()
    {
        var command = new Command("study", "Named experiments: comparisons with fixed policies, seeds and configurations");
        var studies = Study.All();
        command.Subcommands.Add(List(studies.Values));
        foreach (var study in studies.Values)
        {
            command.Subcommands.Add(Of(study));
        }

        return command;
    }

    private static Command List(IEnumerable<Study> studies)
    {
        var command = new Command("list", "Names the studies and what they ask");
        var json = JsonOutput.Option();
        command.Options.Add(json);
        command.SetAction(result =>
        {
            if (result.GetValue(json))
            {
                JsonOutput.Print(new { Studies = studies });
                return Failure.None;
            }

            var table = new Table().AddColumns("study", "runs", "asks");
            foreach (var study in studies)
            {
                string variants = study.Variants.Count == 1 ? "" : $" for {string.Join(", ", study.Variants.Keys)}";
                int runs = study.Variants.Count * study.Policies.Count * study.Seeds.Count;
                table.AddRow(new[]
                {
                    study.Name,
                    runs.ToString(CultureInfo.InvariantCulture),
                    $"{study.Description}. Policies {string.Join(", ", study.Policies)}; {study.Seeds.Count} seeds{variants}",
                }.Select(Markup.Escape).ToArray());
            }

            AnsiConsole.Write(table);
            return Failure.None;
        });
        return command;
    }

    private static Command Of(Study study)
    {
        var command = new Command(study.Name, study.Description);
        var run = new RunOptions(command);
        var policies = new Option<string>("--policies") { Description = "Other policies than the study's", DefaultValueFactory = _ => string.Join(',', study.Policies) };
        var seeds = new Option<string>("--seeds") { Description = "Other seeds than the study's", DefaultValueFactory = _ => string.Join(',', study.Seeds) };
        var output = new Option<string?>("--out") { Description = $"The directory of the files; by default runs/TIME-study-{study.Name}" };
        var quiet = new Option<bool>("--quiet") { Description = "No progress" };
        var json = JsonOutput.Option();
        foreach (Option option in new Option[] { policies, seeds, output, quiet, json })
        {
            command.Options.Add(option);
        }

        command.SetAction((result, stop) =>
        {
            // All of them first: what is wrong with the last one is said before the first one runs.
            var configs = study.Variants.Keys.Select(v => (Variant: v, Config: run.Read(result, study.ConfigOf(v)))).ToList();
            string[] chosen = result.GetValue(policies)!.Split(',');
            var drawn = Seeds.Parse(result.GetValue(seeds)!);
            string path = result.GetValue(output) ?? Path.Combine("runs", TimeProvider.System.GetLocalNow().ToString("yyyyMMdd-HHmmss", CultureInfo.InvariantCulture) + "-study-" + study.Name);
            using var directory = new OutputDirectory(path);
            var outcomes = new List<VariantOutcome>();
            foreach (var (variant, config) in configs)
            {
                string own = configs.Count == 1 ? path : Path.Combine(path, variant);
                using var ownDirectory = new OutputDirectory(own);
                var outcome = ComparisonFiles.Run(new Comparison(config, chosen, drawn, EmbeddedData.Open), own, result.GetValue(quiet), stop);
                outcomes.Add(new VariantOutcome(variant, outcome.Runs, outcome.Table));
                if (!result.GetValue(json))
                {
                    Console.WriteLine(configs.Count == 1 ? study.Name : $"{study.Name}: {variant}");
                    ComparisonPrinter.Print(outcome);
                }
            }

            var all = new { Study = study.Name, study.Description, Variants = outcomes };
            AtomicFile.Write(Path.Combine(path, "study.json"), s => JsonSerializer.Serialize(s, all, OptionBinder.Json));
            if (result.GetValue(json))
            {
                JsonOutput.Print(all);
            }
            else
            {
                Console.WriteLine($"files: {path}");
            }

            return Task.FromResult(Failure.None);
        });
        return command;
    }

    private sealed record VariantOutcome(string Name, IReadOnlyList<RunSummary> Runs, IReadOnlyList<ComparisonRow> Table);
}
