using System.Text.Json;
using SmartFrz.Nn;
using SmartFrz.Nn.Options;
using SmartFrz.Nn.Weights;

namespace SmartFrz.Freeze;

/// <summary>
/// The files of a run: <c>config.json</c>, <c>metrics.jsonl</c>, <c>freeze.jsonl</c>, <c>summary.json</c>, <c>report.html</c>.
/// </summary>
/// <remarks>
/// Nothing is written before the run has begun: one that is refused leaves the directory, and an earlier run in it, as they were. Lines
/// are flushed as they are written, so an interrupted run leaves whole lines; when a run is resumed, lines after its checkpoint are cut.
/// </remarks>
public sealed class RunDirectory : ITrainingCallback, IDisposable
{
    private readonly string _path;
    private readonly FreezeRun _run;
    private readonly OutputDirectory _directory;
    private readonly MetricsFile _metrics;
    private JsonLinesFile? _freeze;

    /// <summary>Makes the directory.</summary>
    /// <exception cref="OptionException">The directory cannot be written.</exception>
    public RunDirectory(string path, FreezeRun run)
    {
        _path = path;
        _run = run;
        _directory = new OutputDirectory(run.Checkpoints ?? path);
        _metrics = new MetricsFile(Path.Combine(path, "metrics.jsonl"));
        run.Freezing.Changed += Write;
        run.Trainer.Add(_metrics);
        run.Trainer.Add(this);
    }

    /// <summary>Where the checkpoints of a run in that directory lie.</summary>
    public static string CheckpointsIn(string path) => Path.Combine(path, "checkpoints");

    /// <inheritdoc/>
    /// <exception cref="OptionException">The directory cannot be written.</exception>
    public void RunStarting(TrainingContext context)
    {
        _freeze?.Dispose();
        long step = context.Step;
        try
        {
            WriteJson("config.json", _run.Config);
            _freeze = new JsonLinesFile(Path.Combine(_path, "freeze.jsonl"), step == 0 ? null : line => line.GetProperty("step").GetInt64() <= step);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw OutputDirectory.Unwritable(_path, e);
        }
    }

    /// <summary>Writes <c>summary.json</c> and <c>report.html</c>.</summary>
    public void Write(RunSummary summary)
    {
        WriteJson("summary.json", summary);
        var curves = RunCurves.Read(Path.Combine(_path, "metrics.jsonl"));
        AtomicFile.WriteAllText(Path.Combine(_path, "report.html"), RunReport.Html(summary, curves, _run.Network.Units, _run.Freezing.Events, _run.Config));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _run.Freezing.Changed -= Write;
        _metrics.Dispose();
        _freeze?.Dispose();
        _directory.Dispose();
    }

    private void Write(FreezeEvent change) =>
        _freeze?.Append(new FreezeLine(change.Frozen ? "freeze" : "thaw", change.Step, change.Epoch, change.Unit, change.Score, change.Reason));

    private void WriteJson<T>(string name, T value) =>
        AtomicFile.Write(Path.Combine(_path, name), stream => JsonSerializer.Serialize(stream, value, OptionBinder.Json));

    private sealed record FreezeLine(string Kind, long Step, double Epoch, string Layer, double? Score, string Reason);
}
