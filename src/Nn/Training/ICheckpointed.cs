using System.Text.Json.Nodes;

namespace SmartFrz.Nn;

/// <summary>Something whose state belongs into checkpoints, so that a resumed run goes on bit by bit: a policy, a predictor's window.</summary>
public interface ICheckpointed
{
    /// <summary>The prefix of its entries, unique within a run.</summary>
    string CheckpointKey { get; }

    /// <summary>Writes its state.</summary>
    void Save(CheckpointEntries entries);

    /// <summary>Restores its state. Called after network, freeze state and optimizer are restored.</summary>
    void Load(CheckpointEntries entries);
}

/// <summary>The state of one part of a run: small values as JSON, arrays by name.</summary>
public sealed class CheckpointEntries
{
    /// <summary>Small values.</summary>
    public JsonObject Json { get; init; } = [];

    /// <summary>Arrays.</summary>
    public Dictionary<string, float[]> Arrays { get; init; } = new(StringComparer.Ordinal);
}
