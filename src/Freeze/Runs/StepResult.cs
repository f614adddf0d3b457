using System.Text.Json;
using SmartFrz.Nn.Options;
using SmartFrz.Nn.Weights;

namespace SmartFrz.Freeze;

/// <summary>Everything that <see cref="StepRun"/> has computed.</summary>
public sealed record StepResult
{
    private static JsonSerializerOptions OneLine { get; } = new(OptionBinder.Json) { WriteIndented = false };

    /// <summary>The logits of the first step's forward pass, F32 (N, classes).</summary>
    public required StoredTensor Logits { get; init; }

    /// <summary>The mean loss of each step before its update.</summary>
    public required IReadOnlyList<double> Losses { get; init; }

    /// <summary>The gradients of the first step's loss, before clipping, of every parameter that has one.</summary>
    public required IReadOnlyDictionary<string, StoredTensor> Gradients { get; init; }

    /// <summary>The network's state after the last step.</summary>
    public required IReadOnlyDictionary<string, StoredTensor> State { get; init; }

    /// <summary>What it cost.</summary>
    public required StepLedger Ledger { get; init; }

    /// <summary>
    /// All of it as a file: <c>logits</c>, <c>losses</c> F64, <c>grad.NAME</c>, <c>state.NAME</c>; the ledger as JSON in the metadata. The
    /// same results give the same bytes.
    /// </summary>
    public SafeTensors ToFile()
    {
        var file = new SafeTensors();
        file.Metadata["format"] = "pt";
        file.Metadata["ledger"] = JsonSerializer.Serialize(Ledger, OneLine);
        IEnumerable<KeyValuePair<string, StoredTensor>> all =
        [
            new("logits", Logits),
            new("losses", StoredTensor.Of([.. Losses], Losses.Count)),
            .. Gradients.Select(g => new KeyValuePair<string, StoredTensor>("grad." + g.Key, g.Value)),
            .. State.Select(s => new KeyValuePair<string, StoredTensor>("state." + s.Key, s.Value)),
        ];
        // The widest elements first, so that every tensor is aligned to its element size.
        foreach (var (name, tensor) in all.OrderByDescending(t => t.Value.Bytes.Length / Math.Max(1, t.Value.Count)))
        {
            file.Tensors.Add(name, tensor);
        }

        return file;
    }
}

/// <summary>What steps cost, in the form of a run's summary.</summary>
public sealed record StepLedger(PhaseFlops Flops, PhaseLaunches Launches, MemorySummary Memory);
