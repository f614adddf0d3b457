using System.Text.Json;
using SmartFrz.Nn.Options;
using SmartFrz.Nn.Weights;

namespace SmartFrz.Freeze;

/// <summary>Where an example comes from.</summary>
/// <param name="Model">The network.</param>
/// <param name="Data">The data it was trained on.</param>
/// <param name="Seed">The seed of that run.</param>
/// <param name="Layer">The layer.</param>
/// <param name="Step">Steps finished at that moment.</param>
/// <param name="Progress">The share of the run that was done.</param>
/// <param name="Similarity">The layer's CKA to the reference at that moment.</param>
/// <param name="Freeze">The label: whether its similarity had settled.</param>
public sealed record HistoryRecord(string Model, string Data, ulong Seed, string Layer, long Step, double Progress, double Similarity, bool Freeze)
{
    /// <summary>The run it belongs to.</summary>
    public string Run => FormattableString.Invariant($"{Model}/{Data}/{Seed}");
}

/// <summary>Labelled weight histories: what a predictor learns from.</summary>
/// <remarks>File: safetensors with one tensor of half floats (N,W,n) and the records as JSON in the metadata.</remarks>
public sealed class HistoryDataset
{
    private const string FormatKey = "smartfrz.histories", Format = "1";

    private readonly List<Half[]> _windows = [];
    private readonly List<HistoryRecord> _records = [];

    /// <summary>An empty data set.</summary>
    /// <exception cref="OptionException">An option has no sense.</exception>
    public HistoryDataset(WeightHistoryOptions options, string command)
    {
        options.Check();
        Options = options;
        Command = command;
    }

    /// <summary>Window and sample of the histories.</summary>
    public WeightHistoryOptions Options { get; }

    /// <summary>The command that made it.</summary>
    public string Command { get; }

    /// <summary>The examples' origins and labels.</summary>
    public IReadOnlyList<HistoryRecord> Records => _records;

    /// <summary>The window of an example, (W,n), as the predictor reads it.</summary>
    public ReadOnlySpan<Half> Window(int index) => _windows[index];

    /// <summary>Adds an example.</summary>
    public void Add(HistoryRecord record, Half[] window)
    {
        if (window.Length != Options.Window * Options.Samples)
        {
            throw new ArgumentException($"a window of {window.Length} values, expected {Options.Window} x {Options.Samples}");
        }

        _records.Add(record);
        _windows.Add(window);
    }

    /// <summary>Makes the labels anew from the similarities by another rule: each layer of each run is a curve.</summary>
    public void Relabel(LabelRule rule)
    {
        foreach (var curve in Enumerable.Range(0, _records.Count).GroupBy(i => (_records[i].Run, _records[i].Layer)))
        {
            int[] indices = [.. curve.OrderBy(i => _records[i].Step)];
            bool[] labels = rule.Labels([.. indices.Select(i => _records[i].Similarity)]);
            for (int k = 0; k < indices.Length; k++)
            {
                _records[indices[k]] = _records[indices[k]] with { Freeze = labels[k] };
            }
        }
    }

    /// <summary>Reads a file.</summary>
    /// <exception cref="WeightsFormatException">It is missing, damaged or holds no histories.</exception>
    public static HistoryDataset Read(string path)
    {
        var file = SafeTensors.Read(path);
        if (file.Metadata.GetValueOrDefault(FormatKey) != Format || !file.Tensors.TryGetValue("windows", out var windows))
        {
            throw new WeightsFormatException($"{path}: no weight histories of format {Format}");
        }

        var (options, records) = Described(path, file);
        int size = options.Window * options.Samples;
        if (windows.DType != "F16" || windows.Count != (long)records.Count * size)
        {
            throw new WeightsFormatException($"{path}: {records.Count} examples of {size} half floats, {windows.Count} of {windows.DType} are there");
        }

        var data = new HistoryDataset(options, file.Metadata.GetValueOrDefault("command") ?? "");
        var values = System.Runtime.InteropServices.MemoryMarshal.Cast<byte, Half>(windows.Bytes.Span);
        for (int i = 0; i < records.Count; i++)
        {
            data.Add(records[i], values.Slice(i * size, size).ToArray());
        }

        return data;
    }

    /// <summary>Writes the file, whole or not at all.</summary>
    public void Write(string path)
    {
        var file = new SafeTensors();
        file.Metadata[FormatKey] = Format;
        file.Metadata["options"] = JsonSerializer.Serialize(Options, OptionBinder.Json);
        file.Metadata["command"] = Command;
        file.Metadata["records"] = JsonSerializer.Serialize(_records, Compact);
        file.Tensors["windows"] = StoredTensor.Of([.. _windows.SelectMany(w => w)], _records.Count, Options.Window, Options.Samples);
        file.Write(path);
    }

    /// <summary>The examples of several data sets with the same window and sample.</summary>
    public static HistoryDataset Merge(IReadOnlyList<HistoryDataset> parts)
    {
        if (parts.Count == 0)
        {
            throw new ArgumentException("there are no histories to merge");
        }

        var all = new HistoryDataset(parts[0].Options, string.Join(" ; ", parts.Select(p => p.Command)));
        foreach (var part in parts)
        {
            if (part.Options != all.Options)
            {
                throw new OptionException($"histories of {part.Options.Window} x {part.Options.Samples} cannot join histories of {all.Options.Window} x {all.Options.Samples}");
            }

            for (int i = 0; i < part.Records.Count; i++)
            {
                all.Add(part.Records[i], part._windows[i]);
            }
        }

        return all;
    }

    private static JsonSerializerOptions Compact { get; } = new(OptionBinder.Json) { WriteIndented = false };

    private static (WeightHistoryOptions Options, List<HistoryRecord> Records) Described(string path, SafeTensors file)
    {
        try
        {
            var options = JsonSerializer.Deserialize<WeightHistoryOptions>(file.Metadata["options"], OptionBinder.Json);
            var records = JsonSerializer.Deserialize<List<HistoryRecord>>(file.Metadata["records"], Compact);
            if (options is null || records is null || records.Exists(r => r is not { Model: not null, Data: not null, Layer: not null }))
            {
                throw new JsonException("an entry is empty");
            }

            options.Check();
            return (options, records);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or OptionException)
        {
            throw new WeightsFormatException($"{path}: the description of the histories cannot be read: {e.Message.ReplaceLineEndings(" ")}", e);
        }
    }
}
