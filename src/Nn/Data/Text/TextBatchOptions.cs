using SmartFrz.Nn.Options;

namespace SmartFrz.Nn.Data;

/// <summary>How batches of texts are made.</summary>
public sealed record TextBatchOptions
{
    /// <summary>Texts of a batch.</summary>
    /// <value>Default 32.</value>
    public int BatchSize { get; init; } = 32;

    /// <summary>Whether each epoch has an order of its own.</summary>
    /// <value>Default true.</value>
    public bool Shuffle { get; init; } = true;

    /// <summary>Whether a last batch that is not full is left out.</summary>
    /// <value>Default true.</value>
    public bool DropLast { get; init; } = true;

    /// <summary>The seed of the order.</summary>
    /// <value>Default 0.</value>
    public ulong Seed { get; init; }

    /// <summary>Batches whose texts are put together by length; 1 keeps the order of chance. Unshuffled texts are put together all at once.</summary>
    /// <value>Default 32.</value>
    public int Bucket { get; init; } = 32;

    /// <summary>Batches are padded to a multiple of so many tokens.</summary>
    /// <value>Default 1.</value>
    public int PadMultiple { get; init; } = 1;

    // The first thing that is wrong with these options for that data.
    internal void Check(TextDataset data)
    {
        OptionBinder.RequireAtLeast(1, BatchSize, "batch size");
        OptionBinder.RequireAtLeast(1, Bucket, "bucket");
        OptionBinder.RequireAtLeast(1, PadMultiple, "pad multiple");
        if (DropLast && data.Count < BatchSize)
        {
            throw new OptionException($"a batch of {BatchSize} texts cannot be cut from a data set of {data.Count}, and batches that are not full are left out");
        }

        long tokens = (long)BatchSize * (data.Longest + PadMultiple - 1L);
        if (tokens > Array.MaxLength)
        {
            throw new OptionException($"a batch of {BatchSize} texts of {data.Longest} tokens has {tokens} numbers, at most {Array.MaxLength} fit");
        }
    }
}
