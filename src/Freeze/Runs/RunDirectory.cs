using System.Text.Json;
using System.Text.Json.Nodes;
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
    private StreamWriter? _metrics, _freeze;

    /// <summary>Makes the directory and writes the configuration.</summary>
    /// <exception cref="OptionException">The directory cannot be written.</exception>
    public RunDirectory(string path, FreezeRun run)
    {
        _path = path;
        _run = run;
        EnsureWritable(path);
        WriteJson("config.json", run.Config);
        run.Freezing.Changed += Write;
        run.Trainer.Add(this);
    }

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
        _metrics = Open("metrics.jsonl", context.Step);
        _freeze = Open("freeze.jsonl", context.Step);
    }

    /// <inheritdoc/>
    public void Logged(TrainingContext context)
    {
        if (context.LastReport is { } report)
        {
            Line(_metrics, "step", JsonSerializer.SerializeToNode(report, OptionBinder.Json));
        }
    }

    /// <inheritdoc/>
    public void EpochEnded(TrainingContext context) =>
        Line(_metrics, "epoch", JsonSerializer.SerializeToNode(context.History[^1], OptionBinder.Json));

    /// <summary>Writes <c>summary.json</c>.</summary>
    public void Write(RunSummary summary) => WriteJson("summary.json", summary);

    /// <inheritdoc/>
    public void Dispose()
    {
        _run.Freezing.Changed -= Write;
        _metrics?.Dispose();
        _freeze?.Dispose();
    }

    private static void Line(StreamWriter? file, string kind, JsonNode? node)
    {
        var line = new JsonObject { ["kind"] = kind };
        foreach (var (key, value) in (JsonObject)node!)
        {
            line[key] = value?.DeepClone();
        }

        file?.WriteLine(line.ToJsonString());
    }

    private void Write(FreezeEvent change) =>
        Line(_freeze, change.Frozen ? "freeze" : "thaw", new JsonObject
        {
            ["step"] = change.Step,
            ["epoch"] = change.Epoch,
            ["layer"] = change.Unit,
            ["score"] = change.Score,
            ["reason"] = change.Reason,
        });

    // Lines up to the step that the run goes on from are kept.
    private StreamWriter Open(string name, long step)
    {
        string path = Path.Combine(_path, name);
        string[] kept = step > 0 && File.Exists(path)
            ? [.. File.ReadLines(path).Where(l => (long?)JsonNode.Parse(l)?["step"] <= step)]
            : [];
        var file = new StreamWriter(path, append: false) { AutoFlush = true };
        foreach (string line in kept)
        {
            file.WriteLine(line);
        }

        return file;
    }

    private void WriteJson<T>(string name, T value) =>
        AtomicFile.Write(Path.Combine(_path, name), stream => JsonSerializer.Serialize(stream, value, OptionBinder.Json));
}
