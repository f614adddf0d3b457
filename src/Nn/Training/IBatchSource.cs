namespace SmartFrz.Nn;

/// <summary>A batch on the host: named tensors and labels. It belongs to its source and is overwritten once the next one was asked for.</summary>
public interface IBatch
{
    /// <summary>Its examples.</summary>
    int Count { get; }

    /// <summary>Its tensors, in the order of <see cref="IBatchSource.Inputs"/>.</summary>
    IReadOnlyList<HostInput> Tensors { get; }

    /// <summary>The examples' labels.</summary>
    ReadOnlySpan<int> Labels { get; }
}

/// <summary>Where training and evaluation get their batches from.</summary>
public interface IBatchSource
{
    /// <summary>What its batches hold.</summary>
    IReadOnlyList<InputSpec> Inputs { get; }

    /// <summary>Examples of the whole set.</summary>
    int ExampleCount { get; }

    /// <summary>Examples of a full batch.</summary>
    int BatchSize { get; }

    /// <summary>Batches of an epoch.</summary>
    int BatchesPerEpoch { get; }

    /// <summary>Whether a last batch that is not full is left out.</summary>
    bool DropsLast { get; }

    /// <summary>The seed of its order: a run goes on with the one it was begun with.</summary>
    ulong Seed { get; }

    /// <summary>Whether an evaluation counts the answers by class, for the figures that follow from them.</summary>
    bool CountsClasses => false;

    /// <summary>The batches of an epoch from number <paramref name="firstBatch"/> on.</summary>
    /// <param name="epoch">The epoch, from 0.</param>
    /// <param name="firstBatch">The batch to begin with; the number of batches for none.</param>
    IEnumerable<IBatch> Batches(int epoch, int firstBatch = 0);
}
