using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using SmartFrz.Freeze;
using SmartFrz.Nn.Options;
using SmartFrz.Tensors;
using Spectre.Console;

namespace SmartFrz.Cli;

/// <summary><c>predictor collect | train | eval</c>: the offline pipeline.</summary>
internal sealed class PredictorCommand : ICliCommand
{
    public int Order => 30;

    // A small network on small examples: a GPU would wait for the next launch most of the time.
    private static JsonObject OnCpu => new() { ["device"] = new JsonObject { ["name"] = "cpu" } };

    public Command Build()
    {
        var command = new Command("predictor", "The offline pipeline: labelled weight histories, predictor, held-out quality");
        command.Subcommands.Add(Collect());
        command.Subcommands.Add(Train());
        command.Subcommands.Add(Evaluate());
        return command;
    }

    private static Command Collect()
    {
        var command = new Command("collect", "Trains a reference and further runs, and writes their labelled weight histories");
        var run = new RunOptions(command);
        var reference = new Option<ulong>("--reference-seed") { Description = "The seed of the reference", DefaultValueFactory = _ => 1000 };
        var seeds = new Option<string>("--seeds") { Description = "The seeds of the recorded runs, separated by commas", Required = true };
        var output = new Option<FileInfo>("--output") { Description = "The file of histories", Required = true };
        foreach (Option option in new Option[] { reference, seeds, output })
        {
            command.Options.Add(option);
        }

        command.SetAction((result, stop) =>
        {
            var json = run.ReadJson(result);
            var options = OptionBinder.Bind<CollectOptions>(Take(json, "collect"), "collect");
            var config = RunConfig.Read(json);
            using var file = new OutputFile(result.GetValue(output)!.ToString());
            var data = new HistoryDataset(options.History, CommandText());
            new HistoryCollector(options, EmbeddedData.Open, Console.Error.WriteLine)
                .Collect(config, result.GetValue(reference), Seeds.Parse(result.GetValue(seeds)!), data, stop);
            data.Write(file.FullPath);
            Console.Error.WriteLine($"{data.Records.Count} examples, {data.Records.Count(r => r.Freeze)} of them settled, in {file.FullPath}");
            return Task.FromResult(Failure.None);
        });
        return command;
    }

    private static Command Train()
    {
        var command = new Command("train", "Trains a predictor on labelled histories and tests it on held-out runs");
        var histories = Histories(required: true);
        var heldOut = new HeldOutOptions();
        var output = new Option<FileInfo>("--output") { Description = "The predictor's file", Required = true };
        // Its own sections of a configuration: predictor and label.
        var run = new RunOptions(command, RunParts.Device);
        var json = JsonOutput.Option();
        foreach (Option option in new Option[] { histories, heldOut.Seeds, heldOut.Models, output, json })
        {
            command.Options.Add(option);
        }

        command.SetAction((result, stop) =>
        {
            var settings = run.ReadJson(result, OnCpu);
            var options = OptionBinder.Bind<PredictorTrainingOptions>(Take(settings, "predictor"), "predictor");
            var rule = OptionBinder.Bind<LabelRule>(Take(settings, "label"), "label");
            var config = RunConfig.Read(settings);
            var data = Read(result.GetValue(histories)!);
            data.Relabel(rule);
            var (training, test) = heldOut.Split(result, data);
            using var file = new OutputFile(result.GetValue(output)!.ToString());
            using var device = FreezeRun.OpenDevice(config.Device);
            using var engine = new Engine(device);
            using var predictor = new PredictorTrainer(engine, options).Train(
                data, training, (epoch, loss) => Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"epoch {epoch + 1}/{options.Epochs}: loss {loss:0.0000}")), stop);
            var evaluation = PredictorEvaluation.Of(predictor, data, training, test);
            PredictorFile.Write(file.FullPath, predictor, new JsonObject
            {
                ["collected_by"] = data.Command,
                ["trained_by"] = CommandText(),
                ["examples"] = training.Count,
                ["label_rule"] = JsonSerializer.SerializeToNode(rule, OptionBinder.Json),
                ["training_options"] = JsonSerializer.SerializeToNode(options, OptionBinder.Json),
                ["held_out"] = JsonSerializer.SerializeToNode(evaluation, OptionBinder.Json),
            });
            Print(evaluation, result.GetValue(json));
            return Task.FromResult(Failure.None);
        });
        return command;
    }

    private static Command Evaluate()
    {
        var command = new Command("eval", "Tests a predictor on held-out runs, beside simpler means; without histories, prints what was measured when it was made");
        var histories = Histories(required: false);
        var heldOut = new HeldOutOptions();
        var predictorPath = new Option<string?>("--predictor") { Description = "The predictor's file; without it the one that comes with the tool" };
        var run = new RunOptions(command, RunParts.Device);
        var json = JsonOutput.Option();
        foreach (Option option in new Option[] { histories, heldOut.Seeds, heldOut.Models, predictorPath, json })
        {
            command.Options.Add(option);
        }

        command.SetAction(result =>
        {
            var config = run.Read(result, OnCpu);
            var file = result.GetValue(predictorPath) is { } path ? PredictorFile.Read(path) : PredictorFile.Default;
            if (result.GetValue(histories) is not { } names)
            {
                Print(file.Evaluation ?? throw new OptionException("the predictor's file says nothing of its quality: name histories"), result.GetValue(json));
                return Failure.None;
            }

            var data = Read(names);
            data.Relabel(file.Provenance["label_rule"].Deserialize<LabelRule>(OptionBinder.Json)!);
            var (training, test) = heldOut.Split(result, data);
            using var device = FreezeRun.OpenDevice(config.Device);
            using var engine = new Engine(device);
            using var predictor = file.Build(engine);
            var evaluation = PredictorEvaluation.Of(predictor, data, training, test, file.Evaluation?.TrainingRuns);
            if (evaluation.LearnedHeldOutRuns is { Count: > 0 } learned)
            {
                Console.Error.WriteLine($"the predictor has learned from runs of these names among the held-out ones: {string.Join(", ", learned)}");
            }

            Print(evaluation, result.GetValue(json));
            return Failure.None;
        });
        return command;
    }

    private static Option<string> Histories(bool required) => new("--histories") { Description = "Files of histories, separated by commas", Required = required };

    private static HistoryDataset Read(string names) => HistoryDataset.Merge([.. names.Split(',').Select(HistoryDataset.Read)]);

    private static JsonObject? Take(JsonObject json, string section)
    {
        var node = json[section] as JsonObject;
        json.Remove(section);
        return node;
    }

    private static string CommandText() => "smartfrz " + string.Join(' ', Environment.GetCommandLineArgs().Skip(1).Select(Portable));

    // Provenance is published: the directories of whoever ran it are nobody's business.
    private static string Portable(string argument) =>
        string.Join(',', argument.Split(',').Select(part => Path.IsPathRooted(part) ? Path.GetFileName(part) : part));

    private static void Print(PredictorEvaluation evaluation, bool json)
    {
        if (json)
        {
            Console.WriteLine(JsonSerializer.Serialize(evaluation, OptionBinder.Json));
            return;
        }

        var table = new Table().AddColumns("held-out runs", "AUROC", "accuracy", "calibration error", "Brier");
        void Row(string name, BinaryMetrics m) => table.AddRow(name, F(m.Auroc), F(m.Accuracy), F(m.CalibrationError), F(m.Brier));
        Row("attention", evaluation.Attention);
        Row("time only", evaluation.TimeOnly);
        Row("last minus first", evaluation.LastMinusFirst);
        table.AddRow("majority", "0.500", F(evaluation.MajorityAccuracy), "", "");
        foreach (var (model, metrics) in evaluation.ByModel)
        {
            Row($"attention on {model}{(evaluation.UnseenModels.Contains(model) ? " (unseen)" : "")}", metrics);
        }

        AnsiConsole.Write(table);
        var by = evaluation.BeatsTimeBy;
        string verdict = by.Low > 0 ? "attention beats time only" : by.High < 0 ? "time only beats attention" : "no difference can be told";
        AnsiConsole.WriteLine($"AUROC of attention minus time only: {F(by.Difference)} (95 % interval {F(by.Low)} to {F(by.High)}): {verdict}");
        AnsiConsole.WriteLine($"{evaluation.Attention.Count} examples of {evaluation.HeldOutRuns.Count} held-out runs, {evaluation.Attention.Positives} settled; learned from {evaluation.TrainingRuns.Count} runs");
    }

    private static string F(double value) => value.ToString("0.000", CultureInfo.InvariantCulture);
}
