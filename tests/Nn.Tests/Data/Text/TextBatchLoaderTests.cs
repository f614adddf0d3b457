using SmartFrz.Nn.Data;
using SmartFrz.Nn.Options;

namespace SmartFrz.Nn.Tests;

public sealed class TextBatchLoaderTests
{
    private static readonly WordPieceVocabulary Vocabulary = new(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "b"]);

    [Fact]
    public void A_batch_is_padded_to_its_longest_text_and_the_mask_says_where()
    {
        var tokenizer = new BertTokenizer(Vocabulary);
        var data = new TextDataset([tokenizer.Encode("a", "b b"), tokenizer.Encode("a"), tokenizer.Encode("b b b")], [1, 0, 1], ["no", "yes"], Vocabulary);
        var batch = new TextBatchLoader(data, new TextBatchOptions { BatchSize = 3, Shuffle = false, Bucket = 1 }).Batches(0).Single();

        Assert.Equal(["input_ids", "token_type_ids", "attention_mask"], batch.Tensors.Select(t => t.Name));
        Assert.All(batch.Tensors, t => Assert.Equal("(3,6)", t.Shape.ToString()));
        Assert.Equal([2, 4, 3, 5, 5, 3, 2, 4, 3, 0, 0, 0, 2, 5, 5, 5, 3, 0], batch.Tensors[0].Integers.ToArray());
        Assert.Equal([0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], batch.Tensors[1].Integers.ToArray());
        Assert.Equal([1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 1, 1, 1, 1, 1, 0], batch.Tensors[2].Integers.ToArray());
        Assert.Equal([1, 0, 1], batch.Labels.ToArray());
        var wide = new TextBatchLoader(data, new TextBatchOptions { BatchSize = 3, PadMultiple = 4 }).Batches(0).Single();
        Assert.Equal("(3,8)", wide.Tensors[0].Shape.ToString());
    }

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, false)]
    public void Every_text_comes_once_and_buckets_save_padding(bool shuffle, bool drop)
    {
        const int count = 203, batch = 8;
        var data = Lengths([.. Enumerable.Range(0, count).Select(i => 3 + (i * 37 % 40))]);
        TextBatchLoader Loader(int bucket) => new(data, new TextBatchOptions { BatchSize = batch, Shuffle = shuffle, DropLast = drop, Bucket = bucket, Seed = 5 });

        var order = Loader(10).Order(1);
        int[] all = [.. order.SelectMany(b => b).Order()];
        Assert.Equal(drop ? count / batch * batch : count, all.Length);
        Assert.Equal(all.Length, all.Distinct().Count());
        Assert.Equal(Loader(10).BatchesPerEpoch, order.Count);
        Assert.Equal(order, Loader(10).Order(1));
        long Tokens(TextBatchLoader loader) => loader.Batches(1).Sum(b => b.Tensors[0].Shape.Count);
        // Of 3 to 42 tokens the longest of eight is near 38 by chance; ten batches in order of length hold few more than their own.
        Assert.True(Tokens(Loader(10)) < 0.75 * Tokens(Loader(1)), $"{Tokens(Loader(10))} and {Tokens(Loader(1))}");
        if (shuffle)
        {
            Assert.NotEqual(Loader(10).Order(1).SelectMany(b => b), Loader(10).Order(2).SelectMany(b => b));
        }
        else
        {
            Assert.Equal(Loader(10).Order(1), Loader(10).Order(2));
        }
    }

    [Fact]
    public void An_epoch_is_gone_on_with_where_it_was_left()
    {
        var loader = new TextBatchLoader(Lengths([3, 5, 4, 9, 8, 3, 3, 7]), new TextBatchOptions { BatchSize = 2, Seed = 3 });
        var whole = loader.Batches(4).Select(b => b.Tensors[0].Integers.ToArray()).ToList();

        Assert.Equal(4, whole.Count);
        Assert.Equal(whole[2..], loader.Batches(4, 2).Select(b => b.Tensors[0].Integers.ToArray()));
        Assert.Empty(loader.Batches(4, 4));
        Assert.Throws<ArgumentOutOfRangeException>(() => loader.Batches(0, 5));
    }

    [Fact]
    public void What_does_not_fit_is_said()
    {
        var data = Lengths([3, 4]);
        Assert.Equal(
            "a batch of 3 texts cannot be cut from a data set of 2, and batches that are not full are left out",
            Assert.Throws<OptionException>(() => new TextBatchLoader(data, new TextBatchOptions { BatchSize = 3 })).Message);
        Assert.Throws<OptionException>(() => new TextBatchLoader(data, new TextBatchOptions { BatchSize = 0 }));
        Assert.Throws<OptionException>(() => new TextBatchLoader(data, new TextBatchOptions { Bucket = 0 }));
        Assert.Throws<DataFormatException>(() => new TextDataset([], [], ["a"], Vocabulary));
        Assert.Throws<DataFormatException>(() => new TextDataset([new([2, 3], 2)], [1], ["a"], Vocabulary));
    }

    private static TextDataset Lengths(int[] lengths) =>
        new([.. lengths.Select(n => new TokenizedText([.. Enumerable.Repeat(4, n)], n))], [.. lengths.Select(n => n % 2)], ["even", "odd"], Vocabulary);
}
