using System.CommandLine;
using System.Globalization;
using SmartFrz.Freeze;
using SmartFrz.Nn;
using SmartFrz.Nn.Data;
using SmartFrz.Tensors;
using Spectre.Console;

namespace SmartFrz.Cli;

/// <summary><c>summary</c>: what a network consists of and what one example costs it.</summary>
internal sealed class SummaryCommand : ICliCommand
{
    public int Order => 60;

    public Command Build()
    {
        var command = new Command("summary", "Layers, parameters, multiply-adds, activation bytes, frozen or trainable; for one example of the model's own size, or of --data");
        var run = new RunOptions(command, RunParts.Network | RunParts.Data);
        var freeze = new Option<string?>("--freeze") { Description = "Modules and parameters to show as frozen, separated by commas" };
        var json = JsonOutput.Option();
        command.Options.Add(freeze);
        command.Options.Add(json);
        command.SetAction(result =>
        {
            var given = run.ReadJson(result);
            var config = RunConfig.Read(given);
            using var device = FreezeRun.OpenDevice(config.Device);
            using var engine = new Engine(device);
            // Nobody asks for the default data's size: without --data the network is as its authors made it.
            var data = given["data"]?["name"] is null ? null : FreezeRun.OpenData(config, EmbeddedData.Open);
            using var network = ConfiguredNetwork.Build(engine, config, data is null ? default : NetworkInput.Of(data));
            Notices.Print(ConfiguredNetwork.LoadWeights(network, config));
            if (result.GetValue(freeze) is { } names)
            {
                Freezer.Freeze(network, FrozenNames.Parse(names));
            }

            var summary = ModelSummary.Of(network, data is ImageSplits images ? new Shape(images.Train.Channels, images.Train.Height, images.Train.Width) : null);
            if (result.GetValue(json))
            {
                var total = summary.Total;
                JsonOutput.Print(new
                {
                    Model = network.Name,
                    total.Parameters,
                    total.TrainableParameters,
                    total.MultiplyAdds,
                    total.ActivationBytes,
                    summary.Units,
                    summary.Layers,
                });
            }
            else
            {
                Print("layer", [.. summary.Layers, summary.Total]);
                Print("unit", summary.Units);
            }

            return Failure.None;
        });
        return command;
    }

    private static void Print(string kind, IReadOnlyList<PartSummary> parts)
    {
        var table = new Table().AddColumn(kind);
        foreach (string column in new[] { "parameters", "multiply-adds", "activation bytes" })
        {
            table.AddColumn(new TableColumn(column).RightAligned());
        }

        table.AddColumn("trains");
        foreach (var part in parts)
        {
            string trains = part.IsFrozen ? "frozen" : part.TrainableParameters < part.Parameters ? "in part" : "yes";
            table.AddRow(Markup.Escape(part.Name), Number(part.Parameters), Number(part.MultiplyAdds), Number(part.ActivationBytes), trains);
        }

        AnsiConsole.Write(table);
    }

    private static string Number(long value) => value.ToString("#,0", CultureInfo.InvariantCulture);
}
