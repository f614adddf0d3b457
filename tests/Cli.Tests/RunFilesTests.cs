namespace SmartFrz.Cli.Tests;

/// <summary>The files that runs leave.</summary>
public sealed class RunFilesTests : Smartfrz
{
    [Fact]
    public void Train_leaves_its_files()
    {
        using var folder = new TemporaryFolder();

        var outcome = Run([.. Small.Train, "--policy", "schedule", "--set", "freeze.schedule=[\"stem@3\"]", "--out", folder["out"]]);

        Assert.Equal(0, outcome.Code);
        Assert.Equal(
            ["checkpoints/best.safetensors", "checkpoints/last.safetensors", "config.json", "freeze.jsonl", "metrics.jsonl", "report.html", "summary.json"],
            Files(folder["out"]));
        string report = File.ReadAllText(folder["out/report.html"]);
        Assert.Contains("<title>resnet8 on synthetic: schedule</title>", report, StringComparison.Ordinal);
        Assert.Contains("stem: frozen from epoch 0.75 to 2: schedule stem@3", report, StringComparison.Ordinal);
        Assert.Contains("stem @ 0.8", outcome.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Compare_leaves_its_files_and_those_of_each_run()
    {
        using var folder = new TemporaryFolder();

        var outcome = Run(
            ["compare", .. Small.Options, "--batch", "16", "--epochs", "2", "--policies", "none,linear", "--seeds", "3,4", "--set", "freeze.mode=free", "--quiet", "--json", "--out", folder["out"]]);

        Assert.Equal((4, 2), (outcome.Json.GetProperty("runs").GetArrayLength(), outcome.Json.GetProperty("table").GetArrayLength()));
        string[] own = ["config.json", "freeze.jsonl", "metrics.jsonl", "report.html", "summary.json"];
        string[] runs = ["linear-3", "linear-4", "none-3", "none-4"];
        Assert.Equal([.. runs.SelectMany(r => own.Select(f => $"{r}/{f}")), "report.html", "summary.json"], Files(folder["out"]));
        Assert.Contains("<title>resnet8 on synthetic: none, linear</title>", File.ReadAllText(folder["out/report.html"]), StringComparison.Ordinal);
    }

    private static IEnumerable<string> Files(string folder) =>
        Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Select(p => Path.GetRelativePath(folder, p).Replace('\\', '/')).Order(StringComparer.Ordinal);
}
