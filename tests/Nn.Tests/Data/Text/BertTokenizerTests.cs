using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using CsCheck;
using SmartFrz.Nn.Data;

namespace SmartFrz.Nn.Tests;

/// <summary>Against HuggingFace's tokenizer: its numbers and hashes are written by <c>bench/peers/tokenizer_ids.mjs</c>.</summary>
public sealed class BertTokenizerTests
{
    private static readonly string Folder = Path.Combine(Repository.Root, "tests", "Nn.Tests", "Data", "Text");

    [Fact]
    public void Own_sentences_have_the_tokens_of_the_original() => Check("own", Path.Combine(Folder, "own-vocab.txt"));

    [DataFact("bert/vocab.txt")]
    public void Own_sentences_have_the_tokens_of_the_original_with_its_vocabulary() => Check("bert", DataFolder.Path("bert/vocab.txt"));

    [DataFact("bert/vocab.txt", "cola/in_domain_train.tsv", "mrpc/msr_paraphrase_train.txt")]
    public void All_sentences_of_both_corpora_have_the_tokens_of_the_original()
    {
        var tokenizer = new BertTokenizer(WordPieceVocabulary.Read(DataFolder.Path("bert/vocab.txt")));
        using var golden = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Folder, "bert-ids.json")));
        var corpora = golden.RootElement.GetProperty("corpora").EnumerateObject().ToList();
        Assert.Equal(5, corpora.Count);
        foreach (var corpus in corpora)
        {
            var columns = (corpus.Name.StartsWith("cola", StringComparison.Ordinal) ? GlueTask.Cola : GlueTask.Mrpc).Columns;
            using var file = File.OpenRead(DataFolder.Path(corpus.Name));
            var examples = columns.Read(file, corpus.Name);
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            foreach (var example in examples)
            {
                var ids = tokenizer.Encode(example.Text, example.Pair).Ids;
                hash.AppendData(Encoding.ASCII.GetBytes(string.Join(' ', ids.Select(i => i.ToString(CultureInfo.InvariantCulture))) + "\n"));
            }

            Assert.Equal(corpus.Value.GetProperty("rows").GetInt32(), examples.Count);
            Assert.Equal(corpus.Value.GetProperty("sha256").GetString(), Convert.ToHexStringLower(hash.GetHashAndReset()));
        }
    }

    [Fact]
    public void Where_the_package_differs_from_the_original_the_original_is_followed()
    {
        // Ideographs beyond the first plane stand alone too, and halves of surrogate pairs go.
        Assert.Equal(["a", "𠀀", "𪛖", "b"], BertWords.Split("a𠀀𪛖b"));
        Assert.Equal(["lonehalf"], BertWords.Split("lone\ud800half \udc00"));
        // An empty second text is a text.
        var tokenizer = new BertTokenizer(new WordPieceVocabulary(["[PAD]", "[UNK]", "[CLS]", "[SEP]"]));
        Assert.Equal([2, 3, 3], tokenizer.Encode("", "").Ids);
    }

    [Fact]
    public void Long_texts_lose_tokens_from_the_longer_one()
    {
        var tokenizer = new BertTokenizer(new WordPieceVocabulary(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "b", "c", "d", "e", "f"]));
        string Shown(string text, string? pair, int most)
        {
            var encoded = tokenizer.Encode(text, pair, most);
            return string.Concat(encoded.Ids.Select(i => i < 4 ? "?u<|"[i] : tokenizer.Vocabulary[i][0])) + encoded.FirstLength;
        }

        Assert.Equal("<abc|5", Shown("a b c", null, 5));
        Assert.Equal("<ab|4", Shown("a b c", null, 4));
        Assert.Equal("<|2", Shown("a b c", null, 2));
        Assert.Equal("<abcd|ef|6", Shown("a b c d", "e f", 9));
        Assert.Equal("<abc|ef|5", Shown("a b c d", "e f", 8));
        Assert.Equal("<ab|ef|4", Shown("a b c d", "e f", 7));
        // Equally long: the second one goes first.
        Assert.Equal("<ab|e|4", Shown("a b c d", "e f", 6));
        Assert.Equal("<a|e|3", Shown("a b c d", "e f", 5));
        Assert.Equal("<ef|a|4", Shown("e f", "a b c d", 6));
        Assert.Equal("<||2", Shown("a", "b", 3));
        Assert.Equal("<u|3", Shown("xyz", null, 512));
        Assert.Throws<ArgumentOutOfRangeException>(() => tokenizer.Encode("a", "b", 2));
    }

    [Fact]
    public void A_vocabulary_is_checked()
    {
        static string Message(string text) =>
            Assert.Throws<DataFormatException>(() => WordPieceVocabulary.Read(new MemoryStream(Encoding.Latin1.GetBytes(text)), "v")).Message;

        var vocabulary = WordPieceVocabulary.Read(new MemoryStream("[PAD]\r\n[UNK]\r\n[CLS]\r\n[SEP]\r\na"u8.ToArray()), "v");
        Assert.Equal((5, 0, 1, 2, 3, 4, -1), (vocabulary.Count, vocabulary.Padding, vocabulary.Unknown, vocabulary.Begin, vocabulary.Separator, vocabulary.Find("a"), vocabulary.Find("b")));
        Assert.Equal("v: lines 2 and 3 are the same token, 'a'", Message("[PAD]\na\na\n"));
        Assert.Equal("v: 1 tokens without [PAD]; BERT's vocab.txt is expected", Message("x"));
        Assert.Equal("v: 0 tokens without [PAD]; BERT's vocab.txt is expected", Message(""));
        Assert.Equal("v: line 2 is not UTF-8", Message("[PAD]\n\u00ff"));
    }

    [Fact]
    public void Any_text_gives_tokens_of_the_vocabulary()
    {
        var tokenizer = new BertTokenizer(WordPieceVocabulary.Read(Path.Combine(Folder, "own-vocab.txt")));
        Gen.Select(Gen.String[Gen.Char, 0, 60], Gen.String[Gen.Char, 0, 60], Gen.Int[3, 80]).Sample(
            (text, pair, most) =>
            {
                var encoded = tokenizer.Encode(text, pair, most);
                return encoded.Ids.Count <= most && encoded.FirstLength <= encoded.Ids.Count
                    && encoded.Ids[encoded.FirstLength - 1] == tokenizer.Vocabulary.Separator && encoded.Ids.All(i => i >= 0 && i < tokenizer.Vocabulary.Count);
            },
            iter: 5_000, seed: "0000000000001", threads: 1);
    }

    private static void Check(string key, string vocabulary)
    {
        var tokenizer = new BertTokenizer(WordPieceVocabulary.Read(vocabulary));
        using var golden = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Folder, "bert-ids.json")));
        var sentences = golden.RootElement.GetProperty("sentences").EnumerateArray().ToList();
        Assert.True(sentences.Count > 50);
        foreach (var sentence in sentences)
        {
            string text = sentence.GetProperty("text").GetString()!;
            string? pair = sentence.TryGetProperty("pair", out var second) ? second.GetString() : null;
            int[] expected = [.. sentence.GetProperty(key).EnumerateArray().Select(i => i.GetInt32())];
            int[] found = [.. tokenizer.Encode(text, pair).Ids];
            Assert.True(expected.SequenceEqual(found), $"'{text}': expected {string.Join(' ', expected)}, found {string.Join(' ', found)}");
        }
    }
}
