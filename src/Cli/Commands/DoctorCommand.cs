using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using SmartFrz.Freeze;
using SmartFrz.Kernels;
using SmartFrz.Nn.Options;
using SmartFrz.Tensors.Verification;
using Spectre.Console;

namespace SmartFrz.Cli;

/// <summary><c>doctor</c>: every kernel against its reference on a device.</summary>
internal sealed class DoctorCommand : ICliCommand
{
    public int Order => 81;

    public Command Build()
    {
        var command = new Command("doctor", "Runs every kernel against its reference on the chosen device: the CPU's against double precision, a GPU's against the CPU's");
        var run = new RunOptions(command, RunParts.Device);
        var only = new Option<string?>("--only") { Description = "Only cases whose names contain this, as in conv2d" };
        var json = JsonOutput.Option();
        command.Options.Add(only);
        command.Options.Add(json);
        command.SetAction((result, stop) =>
        {
            var config = run.Read(result);
            string? part = result.GetValue(only);
            using var device = FreezeRun.OpenDevice(config.Device);
            var check = new DeviceCheck(device) { Filter = part is null ? null : name => name.Contains(part, StringComparison.Ordinal) };
            long start = Stopwatch.GetTimestamp();
            var report = check.Run(stop);
            if (report.Comparisons.Count == 0)
            {
                throw new OptionException($"no case has '{part}' in its name; a name is an operation with its shapes, as in {report.SkippedCases[0]}");
            }

            double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
            if (result.GetValue(json))
            {
                PrintJson(report, device, seconds);
            }
            else
            {
                Print(report, device, seconds);
            }

            int failed = report.Comparisons.Count(c => !c.Passed);
            return Task.FromResult(failed == 0
                ? Failure.None
                : Failure.Report(Failure.WhileRunning, $"{failed} of {report.Comparisons.Count} comparisons failed on {device.Name}"));
        });
        return command;
    }

    private static void PrintJson(DeviceReport report, Device device, double seconds) => JsonOutput.Print(new
    {
        Device = new DeviceSummary(device.Kind, device.Name, device.Threads),
        report.Reference,
        report.Passed,
        Seconds = seconds,
        Kernels = report.Kernels.Select(k => new { k.Kernel, k.Comparisons, k.Failed, WorstError = Number(k.WorstError) }),
        NotRun = NotRun(report),
        report.SkippedCases,
        // An error that is no number cannot be written as one.
        Comparisons = report.Comparisons.Select(c => new { c.Case, c.What, c.Passed, Error = Number(c.Error), c.Tolerance, c.Kernels, c.Failure }),
    });

    private static void Print(DeviceReport report, Device device, double seconds)
    {
        var table = new Table().AddColumn("kernel");
        foreach (string column in new[] { "comparisons", "worst error / tolerance" })
        {
            table.AddColumn(new TableColumn(column).RightAligned());
        }

        table.AddColumn("result");
        foreach (var kernel in report.Kernels.Where(k => k.Comparisons > 0))
        {
            table.AddRow(
                kernel.Kernel,
                kernel.Comparisons.ToString(CultureInfo.InvariantCulture),
                kernel.WorstError!.Value.ToString("0.000", CultureInfo.InvariantCulture),
                kernel.Failed == 0 ? "right" : FormattableString.Invariant($"{kernel.Failed} failed"));
        }

        AnsiConsole.Write(table);
        foreach (var wrong in report.Comparisons.Where(c => !c.Passed))
        {
            string why = wrong.Failure.Length > 0 ? wrong.Failure : $"error {Text(wrong.Error)}, at most {Text(wrong.Tolerance)} expected";
            Console.WriteLine($"{wrong.Case}, {wrong.What}: {why}");
        }

        int cases = report.Comparisons.Select(c => c.Case).Distinct().Count();
        Console.WriteLine(FormattableString.Invariant(
            $"{device.Name}, {device.Threads} threads, against {report.Reference}: {report.Comparisons.Count} comparisons of {cases} cases in {seconds:0.0} s"));
        if (report.SkippedCases.Count > 0)
        {
            Console.WriteLine($"{report.SkippedCases.Count} cases were not run");
        }

        string[] notRun = NotRun(report);
        Console.WriteLine(notRun.Length == 0
            ? $"all {report.Kernels.Count} kernels were run"
            : $"{notRun.Length} of {report.Kernels.Count} kernels were not run: {string.Join(", ", notRun)}");
    }

    private static string[] NotRun(DeviceReport report) => [.. report.Kernels.Where(k => k.Comparisons == 0).Select(k => k.Kernel)];

    private static double? Number(double? value) => value is { } number && double.IsFinite(number) ? number : null;

    private static string Text(double value) => value.ToString("0.0##e-0", CultureInfo.InvariantCulture);
}
