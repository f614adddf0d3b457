using System.CommandLine;
using System.Text.Json.Nodes;
using SmartFrz.Freeze;
using SmartFrz.Nn;
using SmartFrz.Nn.Data;
using SmartFrz.Nn.Options;
using SmartFrz.Tensors;

namespace SmartFrz.Cli;

/// <summary><c>eval</c>: how well a weights file does on a data set's test examples.</summary>
internal sealed class EvalCommand : ICliCommand
{
    // Images of an evaluation step, where nothing is said: as in training's own evaluations.
    private const int DefaultBatch = 256;

    public int Order => 40;

    public Command Build()
    {
        var command = new Command("eval", "Accuracy of a weights file on a data set");
        var run = new RunOptions(command, RunParts.Network | RunParts.Data | RunParts.Batch);
        var json = JsonOutput.Option();
        command.Options.Add(json);
        var split = new Option<string>("--split") { Description = "test, or train for the training examples", DefaultValueFactory = _ => "test" };
        command.Options.Add(split);
        command.SetAction((result, stop) =>
        {
            var config = run.Read(result, new() { ["train"] = new JsonObject { ["batch"] = DefaultBatch } });
            if (!config.Model.ContainsKey("weights"))
            {
                throw new OptionException("eval needs --weights");
            }

            OptionBinder.RequireAtLeast(1, config.Train.Batch, "train.batch");
            bool train = result.GetValue(split) switch
            {
                "train" => true,
                "test" => false,
                var other => throw new OptionException($"option '--split' is '{other}', expected test or train"),
            };
            using var device = FreezeRun.OpenDevice(config.Device);
            using var engine = new Engine(device);
            var data = FreezeRun.OpenData(config, EmbeddedData.Open);
            using var network = ConfiguredNetwork.Build(engine, config, NetworkInput.Of(data));
            Notices.Print(data);
            Notices.Print(ConfiguredNetwork.LoadWeights(network, config));
            var score = Evaluator.Evaluate(network, data.Evaluation(config.Train.Batch, train), stop);
            if (result.GetValue(json))
            {
                // A loss that is no number cannot be written as one.
                var figures = new JsonObject
                {
                    ["test_accuracy"] = score.Accuracy,
                    ["test_loss"] = double.IsFinite(score.Loss) ? score.Loss : null,
                    ["correct"] = score.Correct,
                    ["total"] = score.Total,
                };
                if (Figure(data.Metric, score) is { } figure)
                {
                    figures[figure.Name] = figure.Value;
                }

                JsonOutput.Print(figures);
            }
            else
            {
                Console.WriteLine(FormattableString.Invariant(
                    $"{network.Name} on {config.Data["name"]}: {score.Correct} of {score.Total} right, accuracy {100 * score.Accuracy:0.00} %, loss {score.Loss:0.0000}")
                    + (Figure(data.Metric, score) is { } figure ? FormattableString.Invariant($", {figure.Name} {figure.Value:0.0000}") : ""));
            }

            return Task.FromResult(Failure.None);
        });
        return command;
    }

    private static (string Name, double Value)? Figure(TaskMetric metric, EvaluationResult score) => metric switch
    {
        TaskMetric.Mcc => ("mcc", score.Mcc!.Value),
        TaskMetric.F1 => ("f1", score.F1!.Value),
        _ => null,
    };
}
