using System.Text.Json;
using SmartFrz.Nn;
using SmartFrz.Nn.Options;
using SmartFrz.Nn.Weights;

namespace SmartFrz.Freeze;

/// <summary>
/// The files of a run: <c>config.json</c>, <c>metrics.jsonl</c>, <c>freeze.jsonl</c>, <c>summary.json</c>.
/// </summary>
/// <remarks>Lines are flushed as they are written, so an interrupted run leaves whole lines; when a run is resumed, lines after its checkpoint are cut.</remarks>
public sealed class RunDirectory : ITrainingCallback, IDisposable
{
    private readonly string _path;
    private readonly FreezeRun _run;
    private readonly MetricsFile _metrics;
    private JsonLinesFile? _freeze;

    /// <summary>Makes the directory and writes the configuration.</summary>
    /// <exception cref="OptionException">The directory cannot be written.</exception>
    public RunDirectory(string path, FreezeRun run)
    {
        _path = path;
        _run = run;
        EnsureWritable(path);
        WriteJson("config.json", run.Config);
        _metrics = new MetricsFile(Path.Combine(path, "metrics.jsonl"));
        run.Freezing.Changed += Write;
        run.Trainer.Add(_metrics);
        run.Trainer.Add(this);
    }

    /// <summary>Where the checkpoints of a run in that directory lie.</summary>
    public static string CheckpointsIn(string path) => Path.Combine(path, "checkpoints");

    /// <summary>Writes a probe into a directory, which is made, so that a full or unwritable disk is found before the first step.</summary>
    /// <exception cref="OptionException">The directory cannot be written.</exception>
    public static void EnsureWritable(string path)
    {
        string probe = Path.Combine(path, ".write-probe");
        try
        {
            Directory.CreateDirectory(path);
            using (var file = new FileStream(probe, FileMode.Create, FileAccess.Write))
            {
                // A page: an empty file may be made even on a full disk.
                file.Write(new byte[4096]);
                file.Flush(flushToDisk: true);
            }

            File.Delete(probe);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new OptionException($"output directory {path} cannot be written: {e.Message}", e);
        }
    }

    /// <inheritdoc/>
    public void RunStarting(TrainingContext context)
    {
        _freeze?.Dispose();
        long step = context.Step;
        _freeze = new JsonLinesFile(Path.Combine(_path, "freeze.jsonl"), step == 0 ? null : line => line.GetProperty("step").GetInt64() <= step);
    }

    /// <summary>Writes <c>summary.json</c>.</summary>
    public void Write(RunSummary summary) => WriteJson("summary.json", summary);

    /// <inheritdoc/>
    public void Dispose()
    {
        _run.Freezing.Changed -= Write;
        _metrics.Dispose();
        _freeze?.Dispose();
    }

    private void Write(FreezeEvent change) =>
        _freeze?.Append(new FreezeLine(change.Frozen ? "freeze" : "thaw", change.Step, change.Epoch, change.Unit, change.Score, change.Reason));

    private void WriteJson<T>(string name, T value) =>
        AtomicFile.Write(Path.Combine(_path, name), stream => JsonSerializer.Serialize(stream, value, OptionBinder.Json));

    private sealed record FreezeLine(string Kind, long Step, double Epoch, string Layer, double? Score, string Reason);
}
