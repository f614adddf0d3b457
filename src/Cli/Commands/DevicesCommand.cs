using System.CommandLine;
using SmartFrz.Kernels;
using Spectre.Console;

namespace SmartFrz.Cli;

/// <summary><c>devices</c>: what can run here, and why not.</summary>
internal sealed class DevicesCommand : ICliCommand
{
    public int Order => 80;

    public Command Build()
    {
        var command = new Command("devices", "What can run here, and why not");
        var json = JsonOutput.Option();
        command.Options.Add(json);
        command.SetAction(result =>
        {
            var devices = Devices.List();
            if (result.GetValue(json))
            {
                JsonOutput.Print(new { Devices = devices });
                return Failure.None;
            }

            var table = new Table().AddColumns("device", "name", "details", "cannot be used because");
            foreach (var device in devices)
            {
                table.AddRow([.. new[] { device.Id, device.Name, device.Details, device.Reason }.Select(Markup.Escape)]);
            }

            AnsiConsole.Write(table);
            return Failure.None;
        });
        return command;
    }
}
