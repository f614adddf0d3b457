using System.Globalization;
using System.Text.Json;
using SmartFrz.Freeze;
using SmartFrz.Nn.Options;
using SmartFrz.Nn.Weights;

namespace SmartFrz.Cli;

/// <summary>The files of a comparison: a directory for each run, <c>summary.json</c> and <c>report.html</c>.</summary>
internal sealed class ComparisonFiles : IDisposable
{
    private readonly string _path;
    private readonly IProgressDisplay _progress;
    private RunDirectory? _directory;

    private ComparisonFiles(string path, IProgressDisplay progress) => (_path, _progress) = (path, progress);

    /// <summary>Runs a comparison and writes its files.</summary>
    public static ComparisonResult Run(Comparison comparison, string path, bool quiet, CancellationToken stop)
    {
        var progress = ProgressDisplay.Create(quiet);
        using var files = new ComparisonFiles(path, progress);
        comparison.Opened += Notices.Print;
        comparison.Starting += files.Open;
        comparison.Finished += files.Close;
        var outcome = progress.While(() => comparison.Run(stop));
        AtomicFile.Write(Path.Combine(path, "summary.json"), s => JsonSerializer.Serialize(s, outcome, OptionBinder.Json));
        AtomicFile.WriteAllText(Path.Combine(path, "report.html"), ComparisonReport.Html(outcome));
        return outcome;
    }

    private void Open(FreezeRun run)
    {
        string name = string.Create(CultureInfo.InvariantCulture, $"{run.Freezing.Policy.Name}-{run.Config.Train.Seed}");
        _directory = new RunDirectory(Path.Combine(_path, name), run);
        _progress.Watch(run, name);
    }

    private void Close(FreezeRun run, RunSummary summary)
    {
        _directory!.Write(summary);
        Dispose();
    }

    public void Dispose()
    {
        _directory?.Dispose();
        _directory = null;
    }
}
