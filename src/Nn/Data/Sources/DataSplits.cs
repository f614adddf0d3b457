namespace SmartFrz.Nn.Data;

/// <summary>The figure by which a task is judged besides accuracy.</summary>
public enum TaskMetric
{
    /// <summary>Accuracy alone.</summary>
    Accuracy,

    /// <summary>The Matthews correlation.</summary>
    Mcc,

    /// <summary>The F1 of class 1.</summary>
    F1,
}

/// <summary>How training batches are cut, whatever the data.</summary>
public sealed record TrainingBatchOptions
{
    /// <summary>Examples of a batch.</summary>
    /// <value>Default 64.</value>
    public int BatchSize { get; init; } = 64;

    /// <summary>The seed of order and augmentation.</summary>
    /// <value>Default 0.</value>
    public ulong Seed { get; init; }

    /// <summary>Of images: black pixels padded on each side before a crop of the image's size at a random place; 0 for none.</summary>
    /// <value>Default 0.</value>
    public int CropPadding { get; init; }

    /// <summary>Of images: whether half of them are mirrored left to right.</summary>
    /// <value>Default false.</value>
    public bool Flip { get; init; }
}

/// <summary>What a source delivers: examples to train on and others to evaluate on.</summary>
public abstract record DataSplits
{
    /// <summary>What a user should know, one line each: files passed over, say.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>The figure by which the task is judged besides accuracy.</summary>
    public TaskMetric Metric { get; init; }

    /// <summary>Examples of an evaluation step where nothing is said: so many that memory is no concern beside that of training.</summary>
    public virtual int EvaluationBatch => 256;

    /// <summary>The classes' names, in the order of their labels.</summary>
    public abstract IReadOnlyList<string> ClassNames { get; }

    /// <summary>Batches to train on: in an order of each epoch's own, without a last one that is not full.</summary>
    /// <exception cref="SmartFrz.Nn.Options.OptionException">An option does not fit the data.</exception>
    public abstract IBatchSource Training(TrainingBatchOptions options);

    /// <summary>Batches to evaluate on: every example once, in the same order every time.</summary>
    /// <param name="batchSize">Examples of a batch.</param>
    /// <param name="train">Whether they are the training examples, to see how well those are known.</param>
    /// <exception cref="SmartFrz.Nn.Options.OptionException">The size does not fit the data.</exception>
    public abstract IBatchSource Evaluation(int batchSize, bool train = false);
}

/// <summary>Images to train and evaluate on.</summary>
/// <param name="Train">The images to train on.</param>
/// <param name="Test">The images to evaluate on: the same size and classes.</param>
/// <param name="Mean">The usual mean of each channel, as a share of 255.</param>
/// <param name="Deviation">The usual standard deviation of each channel, as a share of 255.</param>
public sealed record ImageSplits(IImageDataset Train, IImageDataset Test, IReadOnlyList<float> Mean, IReadOnlyList<float> Deviation) : DataSplits
{
    /// <summary>The least share of a training image's area that a random part of it has; 0 takes whole images.</summary>
    public double ResizedCrop { get; init; }

    /// <summary>Threads that decode while images are read, where they are decoded on demand; 0 for all processors.</summary>
    public int Threads { get; init; }

    /// <inheritdoc/>
    public override IReadOnlyList<string> ClassNames => Train.ClassNames;

    /// <inheritdoc/>
    public override IBatchSource Training(TrainingBatchOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return new BatchLoader(Train, new BatchLoaderOptions
        {
            BatchSize = options.BatchSize,
            Seed = options.Seed,
            Mean = Mean,
            Deviation = Deviation,
            CropPadding = options.CropPadding,
            Flip = options.Flip,
            ResizedCrop = ResizedCrop,
            Workers = Workers(Train),
        });
    }

    /// <inheritdoc/>
    public override IBatchSource Evaluation(int batchSize, bool train = false)
    {
        var images = train ? Train : Test;
        return new BatchLoader(
            images, new BatchLoaderOptions { BatchSize = batchSize, Shuffle = false, DropLast = false, Mean = Mean, Deviation = Deviation, Workers = Workers(images) });
    }

    private int Workers(IImageDataset data) => !data.DecodesOnRead ? 1 : Threads > 0 ? Threads : Environment.ProcessorCount;
}

/// <summary>Texts to train and evaluate on.</summary>
/// <param name="Train">The texts to train on.</param>
/// <param name="Test">The texts to evaluate on: the same vocabulary and classes.</param>
/// <param name="Batches">How texts of similar length are put together.</param>
public sealed record TextSplits(TextDataset Train, TextDataset Test, TextBatchOptions Batches) : DataSplits
{
    // A full BERT takes 32 kB for each token of its widest layer: 100 MiB.
    private const int TokensOfEvaluation = 4096;

    /// <inheritdoc/>
    public override IReadOnlyList<string> ClassNames => Train.ClassNames;

    /// <inheritdoc/>
    public override IBatchSource Training(TrainingBatchOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return new TextBatchLoader(Train, Batches with { BatchSize = options.BatchSize, Seed = options.Seed, Shuffle = true, DropLast = true });
    }

    /// <inheritdoc/>
    public override int EvaluationBatch => Math.Clamp(TokensOfEvaluation / Test.Longest, 1, base.EvaluationBatch);

    /// <inheritdoc/>
    public override IBatchSource Evaluation(int batchSize, bool train = false) =>
        new TextBatchLoader(train ? Train : Test, Batches with { BatchSize = batchSize, Shuffle = false, DropLast = false });
}
