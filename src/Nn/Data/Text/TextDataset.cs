namespace SmartFrz.Nn.Data;

/// <summary>Labelled texts as tokens, held in memory.</summary>
public sealed class TextDataset
{
    private readonly IReadOnlyList<TokenizedText> _texts;
    private readonly IReadOnlyList<int> _labels;

    /// <summary>A data set over lists, which it keeps.</summary>
    /// <param name="texts">The texts.</param>
    /// <param name="labels">Their labels.</param>
    /// <param name="classNames">The classes' names.</param>
    /// <param name="vocabulary">What the tokens are numbers of.</param>
    /// <exception cref="DataFormatException">There are not as many labels as texts, none at all, or a label is none of the classes.</exception>
    public TextDataset(IReadOnlyList<TokenizedText> texts, IReadOnlyList<int> labels, IReadOnlyList<string> classNames, WordPieceVocabulary vocabulary)
    {
        if (texts.Count != labels.Count || texts.Count == 0)
        {
            throw new DataFormatException($"{texts.Count} texts and {labels.Count} labels");
        }

        if (labels.Any(l => l < 0 || l >= classNames.Count))
        {
            throw new DataFormatException($"a label is {labels.First(l => l < 0 || l >= classNames.Count)}, there are {classNames.Count} classes");
        }

        (_texts, _labels, ClassNames, Vocabulary) = (texts, labels, classNames, vocabulary);
        Longest = texts.Max(t => t.Ids.Count);
    }

    /// <summary>The number of texts.</summary>
    public int Count => _texts.Count;

    /// <summary>The tokens of the longest text.</summary>
    public int Longest { get; }

    /// <summary>The classes' names, in the order of their labels.</summary>
    public IReadOnlyList<string> ClassNames { get; }

    /// <summary>What the tokens are numbers of.</summary>
    public WordPieceVocabulary Vocabulary { get; }

    /// <summary>A text.</summary>
    public TokenizedText this[int index] => _texts[index];

    /// <summary>The label of a text.</summary>
    public int Label(int index) => _labels[index];
}
