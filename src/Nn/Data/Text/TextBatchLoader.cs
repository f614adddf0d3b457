using SmartFrz.Kernels;
using SmartFrz.Kernels.Random;
using SmartFrz.Tensors;

namespace SmartFrz.Nn.Data;

/// <summary>Cuts texts into batches, those of similar length together, padded to the longest of the batch.</summary>
/// <remarks>
/// Computes: the texts in the order of (seed, epoch); so many batches at a time are put in order of length and cut; the batches come in an
/// order of chance. Unshuffled, all texts are put in order of length and the batches come in an order that is always the same.
/// Shapes: <c>input_ids</c>, <c>token_type_ids</c>, <c>attention_mask</c> (N,T).
/// </remarks>
public sealed class TextBatchLoader : IBatchSource
{
    // The streams of the generator: of the texts' order and of the batches'.
    private const ulong OrderStream = 0x7465787400000000, BatchStream = 0x7462617400000000;

    /// <summary>Cuts those texts into batches.</summary>
    /// <exception cref="SmartFrz.Nn.Options.OptionException">An option does not fit the data.</exception>
    public TextBatchLoader(TextDataset data, TextBatchOptions options)
    {
        ArgumentNullException.ThrowIfNull(data);
        ArgumentNullException.ThrowIfNull(options);
        options.Check(data);
        (Data, Options) = (data, options);
        // The longest text: what a network must be able to take.
        var length = new Shape(data.Longest);
        Inputs =
        [
            new InputSpec(InputSpec.Tokens, DType.I32, length, Limit: data.Vocabulary.Count),
            new InputSpec(InputSpec.TokenTypes, DType.I32, length, Limit: 2),
            new InputSpec(InputSpec.AttentionMask, DType.I32, length, Limit: 2),
        ];
    }

    /// <summary>The texts.</summary>
    public TextDataset Data { get; }

    /// <summary>How batches are made.</summary>
    public TextBatchOptions Options { get; }

    /// <inheritdoc/>
    public IReadOnlyList<InputSpec> Inputs { get; }

    /// <inheritdoc/>
    public int ExampleCount => Data.Count;

    /// <inheritdoc/>
    public int BatchSize => Options.BatchSize;

    /// <inheritdoc/>
    public int BatchesPerEpoch => (Data.Count / Options.BatchSize) + (!Options.DropLast && Data.Count % Options.BatchSize > 0 ? 1 : 0);

    /// <inheritdoc/>
    public bool DropsLast => Options.DropLast;

    /// <inheritdoc/>
    public ulong Seed => Options.Seed;

    /// <inheritdoc/>
    public bool CountsClasses => true;

    /// <inheritdoc/>
    /// <exception cref="ArgumentOutOfRangeException">The epoch is negative, or there is no such batch.</exception>
    public IEnumerable<IBatch> Batches(int epoch, int firstBatch = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(epoch);
        ArgumentOutOfRangeException.ThrowIfNegative(firstBatch);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(firstBatch, BatchesPerEpoch);
        return Filled(epoch, firstBatch);
    }

    /// <summary>The texts of each batch of an epoch.</summary>
    public IReadOnlyList<int[]> Order(int epoch)
    {
        int[] order = Options.Shuffle
            ? Philox.Keyed(Options.Seed, OrderStream + (ulong)epoch).Permutation(Data.Count)
            : [.. Enumerable.Range(0, Data.Count)];
        int used = Options.DropLast ? BatchesPerEpoch * Options.BatchSize : order.Length;
        int window = Options.Shuffle ? (int)Math.Min(used, (long)Options.Bucket * Options.BatchSize) : used;
        for (int at = 0; at < used && Options.Bucket > 1; at += window)
        {
            // By length, texts of one length as they were: the order is a function of the seed alone.
            int[] sorted = [.. order[at..Math.Min(used, at + window)].OrderByDescending(i => Data[i].Ids.Count)];
            sorted.CopyTo(order, at);
        }

        var batches = new int[BatchesPerEpoch][];
        var (seed, stream) = Options.Shuffle ? (Options.Seed, (ulong)epoch) : default;
        int[] places = Options.Bucket > 1
            ? Philox.Keyed(seed, BatchStream + stream).Permutation(batches.Length)
            : [.. Enumerable.Range(0, batches.Length)];
        for (int b = 0; b < batches.Length; b++)
        {
            int first = b * Options.BatchSize;
            batches[places[b]] = order[first..Math.Min(used, first + Options.BatchSize)];
        }

        return batches;
    }

    private IEnumerable<IBatch> Filled(int epoch, int firstBatch)
    {
        var batch = new TextBatch(Options.BatchSize);
        foreach (int[] texts in Order(epoch).Skip(firstBatch))
        {
            batch.Fill(Data, texts, Options.PadMultiple);
            yield return batch;
        }
    }
}
