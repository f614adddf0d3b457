namespace SmartFrz.Nn.Data;

/// <summary>A text as BERT's input: the numbers of its tokens, [CLS] and [SEP] among them.</summary>
/// <param name="Ids">The numbers.</param>
/// <param name="FirstLength">How many of them belong to the first text of a pair, [CLS] and the first [SEP] included; all where there is one text.</param>
public sealed record TokenizedText(IReadOnlyList<int> Ids, int FirstLength);

/// <summary>BERT's uncased tokenizer: words, then WordPiece.</summary>
/// <remarks>
/// Computes: words as BERT's basic tokenizer cuts them; each word the longest token of the vocabulary that begins it, then the longest
/// <c>##</c> token that goes on, and so forth; a word that cannot be spelled so, or has more than 100 characters, is [UNK].
/// Names of special tokens in a text are words like others.
/// Source: Devlin et al., "BERT" (arXiv 1810.04805).
/// </remarks>
public sealed class BertTokenizer
{
    /// <summary>The longest word that is spelled, in characters.</summary>
    public const int LongestWord = 100;

    private const string GoesOn = "##";

    /// <summary>A tokenizer with that vocabulary.</summary>
    public BertTokenizer(WordPieceVocabulary vocabulary)
    {
        ArgumentNullException.ThrowIfNull(vocabulary);
        Vocabulary = vocabulary;
    }

    /// <summary>The vocabulary.</summary>
    public WordPieceVocabulary Vocabulary { get; }

    /// <summary>The tokens of a text, without [CLS] and [SEP].</summary>
    public IReadOnlyList<int> Tokens(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var ids = new List<int>();
        foreach (string word in BertWords.Split(text))
        {
            Spell(word, ids);
        }

        return ids;
    }

    /// <summary>A text or a pair as BERT's input: <c>[CLS] text [SEP]</c> or <c>[CLS] text [SEP] pair [SEP]</c>.</summary>
    /// <param name="text">The text.</param>
    /// <param name="pair">The second text, or null.</param>
    /// <param name="maxLength">The most tokens, [CLS] and [SEP] included: the longer text loses its last tokens first, at equal lengths the second.</param>
    /// <exception cref="ArgumentOutOfRangeException">The length has no room for [CLS] and [SEP].</exception>
    public TokenizedText Encode(string text, string? pair = null, int maxLength = 512)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxLength, pair is null ? 2 : 3);
        var first = Tokens(text);
        var second = pair is null ? null : Tokens(pair);
        var (a, b) = Truncated(first.Count, second?.Count ?? 0, maxLength - (pair is null ? 2 : 3));
        var ids = new List<int>(a + b + 3) { Vocabulary.Begin };
        ids.AddRange(first.Take(a));
        ids.Add(Vocabulary.Separator);
        int length = ids.Count;
        if (second is not null)
        {
            ids.AddRange(second.Take(b));
            ids.Add(Vocabulary.Separator);
        }

        return new TokenizedText(ids.ToArray(), length);
    }

    // What is left of both when tokens go one by one from the longer, or from the second where they are equally long.
    private static (int First, int Second) Truncated(int first, int second, int most)
    {
        int over = Math.Max(0, first + second - most);
        int level = Math.Min(over, Math.Abs(first - second));
        (first, second) = first > second ? (first - level, second) : (first, second - level);
        // At equal lengths the second goes first, so of an odd rest it loses the larger half.
        over -= level;
        return (first - (over / 2), second - ((over + 1) / 2));
    }

    private void Spell(string word, List<int> ids)
    {
        // A surrogate pair is one character; a word of more chars than twice the limit is too long for sure.
        if (word.Length > 2 * LongestWord || (word.Length > LongestWord && word.EnumerateRunes().Count() > LongestWord))
        {
            ids.Add(Vocabulary.Unknown);
            return;
        }

        Span<char> piece = stackalloc char[GoesOn.Length + (2 * LongestWord)];
        GoesOn.CopyTo(piece);
        word.CopyTo(piece[GoesOn.Length..]);
        int before = ids.Count;
        for (int start = 0; start < word.Length;)
        {
            // The two places before a piece hold what was spelled already: the mark is written over it.
            int from = start == 0 ? GoesOn.Length : start;
            if (start > 0)
            {
                GoesOn.CopyTo(piece[start..]);
            }

            int end = word.Length, id = -1;
            while (end > start && (id = Vocabulary.Find(piece[from..(GoesOn.Length + end)])) < 0)
            {
                end--;
            }

            if (id < 0)
            {
                ids.RemoveRange(before, ids.Count - before);
                ids.Add(Vocabulary.Unknown);
                return;
            }

            ids.Add(id);
            start = end;
        }
    }
}
