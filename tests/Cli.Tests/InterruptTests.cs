using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using SmartFrz.Nn.Weights;

namespace SmartFrz.Cli.Tests;

/// <summary>Ctrl+C, with real processes.</summary>
public sealed class InterruptTests : Smartfrz
{
    // With them layers freeze one after another, so that some do before the interruption and some after it.
    private static readonly string[] Options =
    [
        "train", "--model", "resnet8", "--set", "model.width=8", "--limit-train", "960", "--limit-test", "100", "--batch", "16", "--epochs", "6", "--device", "cpu", "--threads", "1",
        "--set", "freeze.threshold=0.6", "--set", "freeze.stages_per_epoch=4", "--set", "freeze.units=layers", "--set", "freeze.mode=free", "--quiet", "--json",
    ];

    // What tells how fast a run was, not what it did.
    private static readonly string[] Times = ["wall_seconds", "train_seconds", "seconds", "share_of_train_seconds", "examples_per_second"];

    [Fact]
    public async Task An_interrupted_run_writes_a_checkpoint_and_goes_on_as_if_nothing_had_been()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        using var folder = new TemporaryFolder();
        string output = folder["stopped"];
        var whole = RunProcess([.. Options, "--out", folder["whole"]]);
        var stopped = await RunProcess(process => InterruptOnce(() => Lines(output, "freeze.jsonl").Length > 0, process), [.. Options, "--out", output]);

        Assert.True(stopped.Code == 130, $"exit code {stopped.Code}: {stopped.Error}");
        Assert.Empty(stopped.Error);
        Assert.Equal(0, (await whole).Code);
        long step = Lines(output, "metrics.jsonl").Max(l => (long)l["step"]!), last = Lines(folder["whole"], "metrics.jsonl").Max(l => (long)l["step"]!);
        Assert.True(step < last, "the run was over before it was interrupted");
        Assert.Equal(["best.safetensors", "last.safetensors"], Directory.GetFiles(Path.Combine(output, "checkpoints")).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        int frozen = Lines(output, "freeze.jsonl").Length;

        var resumed = await RunProcess("train", "--resume", "--quiet", "--json", "--out", output);

        Assert.Empty(resumed.Error);
        Assert.Equal(Summary((await whole).Output), Summary(resumed.Output));
        Assert.Equal(Lines(folder["whole"], "freeze.jsonl").Select(Text), Lines(output, "freeze.jsonl").Select(Text));
        Assert.True(frozen < Lines(output, "freeze.jsonl").Length, "nothing froze after the interruption");
        Assert.Equal(Lines(folder["whole"], "metrics.jsonl").Select(Text), Lines(output, "metrics.jsonl").Select(Text));
        foreach (string name in new[] { "last.safetensors", "best.safetensors" })
        {
            AssertSame(Path.Combine(folder["whole"], "checkpoints", name), Path.Combine(output, "checkpoints", name));
        }
    }

    // What Ctrl+C in a terminal sends.
    private static async Task InterruptOnce(Func<bool> isTime, Process process)
    {
        while (!isTime() && !process.HasExited)
        {
            await Task.Delay(10);
        }

        using var kill = Process.Start("sh", ["-c", string.Create(CultureInfo.InvariantCulture, $"kill -INT {process.Id}")]);
        await kill.WaitForExitAsync();
    }

    // Whole lines only: the last one may be under way.
    private static JsonObject[] Lines(string folder, string name)
    {
        string path = Path.Combine(folder, name);
        if (!File.Exists(path))
        {
            return [];
        }

        using var reader = new StreamReader(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        return [.. reader.ReadToEnd().Split('\n').SkipLast(1).Select(line => JsonNode.Parse(line)!.AsObject())];
    }

    private static string Summary(string json) => Text(JsonNode.Parse(json)!.AsObject());

    private static string Text(JsonObject values)
    {
        foreach (string time in Times)
        {
            values.Remove(time);
        }

        foreach (var inner in values.Select(v => v.Value).OfType<JsonObject>().ToList())
        {
            Text(inner);
        }

        return values.ToJsonString(JsonSerializerOptions.Default);
    }

    private static void AssertSame(string expected, string actual)
    {
        var tensors = SafeTensors.Read(actual).Tensors;
        var others = SafeTensors.Read(expected).Tensors;
        Assert.Equal(others.Keys, tensors.Keys);
        Assert.Contains(tensors.Keys, name => name.EndsWith("momentum_buffer", StringComparison.Ordinal));
        Assert.All(others, t => Assert.True(t.Value.Bytes.Span.SequenceEqual(tensors[t.Key].Bytes.Span), $"{t.Key} differs"));
    }
}
