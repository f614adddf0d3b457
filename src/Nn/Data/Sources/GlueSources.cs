using SmartFrz.Nn.Options;

namespace SmartFrz.Nn.Data;

/// <summary>Options of every source of texts.</summary>
public record TextDataOptions
{
    /// <summary>The vocabulary, BERT's vocab.txt; null for one that lies with the data: in the directory, beside it, or in a folder bert there.</summary>
    public string? Vocab { get; init; }

    /// <summary>Where both lie in the directory: <c>official</c> for the files of the corpus, <c>glue</c> for GLUE's train.tsv and dev.tsv; null takes the official ones first.</summary>
    public string? Files { get; init; }

    /// <summary>The most tokens of a text or pair, [CLS] and [SEP] included; longer ones are cut.</summary>
    /// <value>Default 128.</value>
    public int MaxLength { get; init; } = 128;

    /// <summary>Batches whose texts are put together by length, so that little is padded; 1 keeps the order of chance.</summary>
    /// <value>Default 32.</value>
    public int Bucket { get; init; } = 32;

    /// <summary>Batches are padded to a multiple of so many tokens; 1 for the longest text of the batch.</summary>
    /// <value>Default 1.</value>
    public int PadMultiple { get; init; } = 1;
}

/// <summary>CoLA from its original files, or GLUE's.</summary>
public sealed class ColaSource : DataSource<TextDataOptions>
{
    /// <inheritdoc/>
    public override string Name => GlueTask.Cola.Name;

    /// <inheritdoc/>
    public override string Description => "is a sentence grammatical: the files of CoLA (cola_public/raw) or of GLUE in a directory, judged by Matthews correlation";

    /// <inheritdoc/>
    protected override DataSplits Open(DataOptions request, TextDataOptions options) =>
        TextFiles.Open(GlueTask.Cola, RequiredDirectory(request, "the one with in_domain_train.tsv (cola_public/raw), or GLUE's"), request, options) with { Metric = TaskMetric.Mcc };
}

/// <summary>MRPC from its original files, or GLUE's.</summary>
public sealed class MrpcSource : DataSource<TextDataOptions>
{
    /// <inheritdoc/>
    public override string Name => GlueTask.Mrpc.Name;

    /// <inheritdoc/>
    public override string Description => "do two sentences say the same: the files of MRPC (msr_paraphrase_train.txt) or of GLUE in a directory, judged by F1";

    /// <inheritdoc/>
    protected override DataSplits Open(DataOptions request, TextDataOptions options) =>
        TextFiles.Open(GlueTask.Mrpc, RequiredDirectory(request, "the one with msr_paraphrase_train.txt, or GLUE's"), request, options) with { Metric = TaskMetric.F1 };
}

/// <summary>Opens a task's files and its vocabulary.</summary>
internal static class TextFiles
{
    private const string VocabularyName = "vocab.txt";

    /// <summary>Reads, cuts to the limits and tokenises.</summary>
    public static TextSplits Open(GlueTask task, string directory, DataOptions request, TextDataOptions options)
    {
        const int shortest = 3;
        OptionBinder.RequireAtLeast(shortest, options.MaxLength, "data.max_length");
        OptionBinder.RequireAtLeast(1, options.Bucket, "data.bucket");
        OptionBinder.RequireAtLeast(1, options.PadMultiple, "data.pad_multiple");
        var (train, test, note) = task.Read(directory, options.Files);
        var tokenizer = new BertTokenizer(WordPieceVocabulary.Read(options.Vocab ?? FindVocabulary(directory)));
        var batches = new TextBatchOptions { Bucket = options.Bucket, PadMultiple = options.PadMultiple };
        return new TextSplits(Tokenised(train, request.LimitTrain), Tokenised(test, request.LimitTest), batches) { Notes = [note] };

        TextDataset Tokenised(List<TextExample> examples, int? limit)
        {
            var taken = examples.Take(limit ?? examples.Count).ToList();
            return new TextDataset(
                [.. taken.Select(e => tokenizer.Encode(e.Text, e.Pair, options.MaxLength))], [.. taken.Select(e => e.Label)], task.ClassNames, tokenizer.Vocabulary);
        }
    }

    private static string FindVocabulary(string directory)
    {
        string above = Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(directory))) ?? directory;
        string[] places = [directory, Path.Combine(directory, "bert"), above, Path.Combine(above, "bert")];
        return places.Select(p => Path.Combine(p, VocabularyName)).FirstOrDefault(File.Exists)
            ?? throw new DataFormatException($"{directory}: there is no {VocabularyName} there, beside it or in a folder bert; name BERT's vocabulary with option data.vocab");
    }
}
