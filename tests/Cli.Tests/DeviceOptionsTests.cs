using System.CommandLine;
using SmartFrz.Freeze;

namespace SmartFrz.Cli.Tests;

/// <summary>Every command that computes takes the options of the device and obeys them.</summary>
public sealed class DeviceOptionsTests : Smartfrz
{
    // Commands that compute nothing.
    private static readonly string[] WithoutDevice = ["devices", "weights convert", "study list"];

    public static TheoryData<string> Computing => [.. Commands(CommandLineRunner.Build(), "").Where(c => !WithoutDevice.Contains(c))];

    [Theory]
    [MemberData(nameof(Computing))]
    public void A_command_that_computes_refuses_a_device_that_there_is_not(string command)
    {
        using var folder = new TemporaryFolder();
        string input = StepFiles.Batch(folder, [1, 3, 8, 8], [0]);
        string[] needed = command switch
        {
            "step" or "logits" => ["--input", input, "--output", folder["out"]],
            "eval" => ["--weights", input],
            "predictor collect" => ["--seeds", "1", "--output", folder["out"]],
            // Seen after the histories, which are read first.
            "predictor train" => ["--histories", Histories(folder), "--held-out-seeds", "2", "--output", folder["out"]],
            "predictor eval" => ["--histories", Histories(folder), "--held-out-seeds", "2"],
            "train" or "compare" => ["--out", folder["run"]],
            _ when command.StartsWith("study ", StringComparison.Ordinal) => ["--out", folder["run"]],
            _ => [],
        };

        string Message(params string[] options) => Refused([.. command.Split(' '), .. needed, .. options]);
        Assert.StartsWith("the instruction set 'sse9' is not known", Message("--isa", "sse9"), StringComparison.Ordinal);
        Assert.StartsWith("-2 threads were asked for", Message("--threads", "-2"), StringComparison.Ordinal);
        Assert.StartsWith("the device 'tpu' is not known", Message("--device", "tpu"), StringComparison.Ordinal);
        Assert.StartsWith("unknown precision 'fp8'", Message("--device", "cpu", "--precision", "fp8"), StringComparison.Ordinal);
        Assert.False(Path.Exists(folder["run"]) || Path.Exists(folder["out"]));
    }

    private static IEnumerable<string> Commands(Command command, string path) =>
        command.Subcommands.Count == 0 ? [path.Trim()] : command.Subcommands.SelectMany(c => Commands(c, $"{path} {c.Name}"));

    // Two examples of two runs.
    private static string Histories(TemporaryFolder folder)
    {
        var data = new HistoryDataset(new WeightHistoryOptions { Window = 2, Samples = 3 }, "by hand");
        foreach (ulong seed in new ulong[] { 1, 2 })
        {
            data.Add(new HistoryRecord("cnn", "synthetic", seed, "conv1", 1, 0.5, 0.5, false), new Half[6]);
        }

        data.Write(folder["histories"]);
        return folder["histories"];
    }
}
