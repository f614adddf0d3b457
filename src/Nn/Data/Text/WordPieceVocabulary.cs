using SmartFrz.Nn.Options;

namespace SmartFrz.Nn.Data;

/// <summary>The vocabulary of a WordPiece tokenizer: a token a line, its number that of the line from 0.</summary>
/// <remarks>
/// Format: UTF-8, with or without carriage returns, as in BERT's vocab.txt. A token that begins with <c>##</c> goes on a word.
/// Memory: below 64 times the file.
/// </remarks>
public sealed class WordPieceVocabulary
{
    // Far above every vocabulary; the ids are kept as int.
    private const long LargestFile = 1L << 28;

    private readonly Dictionary<string, int> _ids = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _lookup;
    private readonly List<string> _tokens = [];

    /// <summary>A vocabulary of these tokens.</summary>
    /// <param name="tokens">The tokens by number.</param>
    /// <param name="source">What messages call it.</param>
    /// <exception cref="DataFormatException">A token is there twice, or one of [PAD], [UNK], [CLS], [SEP] is missing.</exception>
    public WordPieceVocabulary(IEnumerable<string> tokens, string source = "vocabulary")
    {
        foreach (string token in tokens)
        {
            if (!_ids.TryAdd(token, _tokens.Count))
            {
                throw new DataFormatException($"{source}: lines {_ids[token] + 1} and {_tokens.Count + 1} are the same token, '{MessageText.Printable(token)}'");
            }

            _tokens.Add(token);
        }

        Source = source;
        _lookup = _ids.GetAlternateLookup<ReadOnlySpan<char>>();
        (Padding, Unknown, Begin, Separator) = (Special("[PAD]"), Special("[UNK]"), Special("[CLS]"), Special("[SEP]"));
    }

    /// <summary>What messages call it: the file's path.</summary>
    public string Source { get; }

    /// <summary>The number of tokens.</summary>
    public int Count => _tokens.Count;

    /// <summary>The number of [PAD], which fills a batch up.</summary>
    public int Padding { get; }

    /// <summary>The number of [UNK], which stands for a word that the vocabulary cannot spell.</summary>
    public int Unknown { get; }

    /// <summary>The number of [CLS], which begins a text.</summary>
    public int Begin { get; }

    /// <summary>The number of [SEP], which ends each part of a text.</summary>
    public int Separator { get; }

    /// <summary>A token by number.</summary>
    public string this[int id] => _tokens[id];

    /// <summary>Reads a file.</summary>
    /// <exception cref="DataFormatException">It is missing or not such a file.</exception>
    public static WordPieceVocabulary Read(string path)
    {
        using var file = DataFiles.Open(path);
        return Read(file, path);
    }

    /// <summary>Reads a stream to its end; it stays open.</summary>
    /// <param name="stream">The file's bytes.</param>
    /// <param name="name">What messages call it.</param>
    /// <exception cref="DataFormatException">It is not such a file.</exception>
    public static WordPieceVocabulary Read(Stream stream, string name) =>
        new(TextLines.Read(stream, name, LargestFile).Select(line => line.Text), name);

    /// <summary>The number of a token, or -1.</summary>
    public int Find(ReadOnlySpan<char> token) => _lookup.TryGetValue(token, out int id) ? id : -1;

    private int Special(string token) => _ids.TryGetValue(token, out int id) ? id
        : throw new DataFormatException($"{Source}: {_tokens.Count} tokens without {token}; BERT's vocab.txt is expected");
}
