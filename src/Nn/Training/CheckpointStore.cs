using System.Globalization;
using SmartFrz.Nn.Weights;

namespace SmartFrz.Nn;

/// <summary>The checkpoints of a run in their directory: <c>last.safetensors</c>, <c>best.safetensors</c> and, where more are kept, <c>step-N.safetensors</c>.</summary>
internal sealed class CheckpointStore(string directory, int keep, bool keepBest)
{
    private const string Extension = ".safetensors", StepPrefix = "step-";

    private long? _lastStep;

    public string Last { get; } = Path.Combine(directory, "last" + Extension);

    public string Best { get; } = Path.Combine(directory, "best" + Extension);

    /// <summary>Makes the directory and tries whether it can take what will be written: a new last, the one before, and a best.</summary>
    /// <exception cref="CheckpointException">It cannot.</exception>
    public void Prepare(long bytes)
    {
        string probe = Path.Combine(directory, FormattableString.Invariant($".probe-{Environment.ProcessId}"));
        try
        {
            Directory.CreateDirectory(directory);
            long wanted = bytes * (1 + keep + (keepBest ? 1 : 0));
            long there = Directory.EnumerateFiles(directory, "*" + Extension).Sum(f => new FileInfo(f).Length);
            // The operating system sets the room aside, or says that there is none.
            using var file = new FileStream(probe, new FileStreamOptions
            {
                Mode = FileMode.Create,
                Access = FileAccess.Write,
                PreallocationSize = Math.Max(bytes, wanted - there),
                Options = FileOptions.DeleteOnClose,
            });
            file.WriteByte(0);
            file.Flush(flushToDisk: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException($"{directory}: checkpoints cannot be written there: {e.Message.ReplaceLineEndings(" ")}", e);
        }
    }

    /// <summary>Writes the newest checkpoint.</summary>
    /// <exception cref="TrainingException">It cannot be written; the one before is as it was.</exception>
    public void SaveLast(SafeTensors file, long step) => Guarded(Last, step, () =>
    {
        if (keep > 1 && _lastStep is { } before && before != step && File.Exists(Last))
        {
            KeepLast(before);
        }

        file.Write(Last);
        _lastStep = step;
    });

    /// <summary>Writes the best checkpoint.</summary>
    /// <exception cref="TrainingException">It cannot be written; the ones before are as they were.</exception>
    public void SaveBest(SafeTensors file, long step)
    {
        if (keepBest)
        {
            Guarded(Best, step, () => file.Write(Best));
        }
    }

    /// <summary>Tells which step the checkpoint is of that the run goes on from.</summary>
    public void ResumedFrom(string path, long step)
    {
        if (Path.GetFullPath(path) == Path.GetFullPath(Last))
        {
            _lastStep = step;
        }
    }

    // A copy, not another name: until the new one is there, the old one must stay under its own.
    private void KeepLast(long step)
    {
        string name = Path.Combine(directory, string.Create(CultureInfo.InvariantCulture, $"{StepPrefix}{step:D8}{Extension}"));
        AtomicFile.Write(name, stream =>
        {
            using var last = File.OpenRead(Last);
            last.CopyTo(stream);
        });
        var older = Directory.EnumerateFiles(directory, $"{StepPrefix}*{Extension}").Order(StringComparer.Ordinal).ToList();
        foreach (string path in older.SkipLast(keep - 1))
        {
            File.Delete(path);
        }
    }

    private static void Guarded(string path, long step, Action write)
    {
        try
        {
            write();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new TrainingException($"step {step}: the checkpoint {path} cannot be written, the last good one is as it was: {e.Message.ReplaceLineEndings(" ")}", e);
        }
    }
}
