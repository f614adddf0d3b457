using System.Globalization;
using System.Text;
using System.Text.Json;

namespace SmartFrz.Cli.Tests;

/// <summary>A small text encoder on made-up files in the form of both corpora.</summary>
public sealed class TextTests : Smartfrz, IDisposable
{
    private static readonly string[] Small =
        ["--model", "bert_base", "--set", "model.hidden=16", "--set", "model.layers=2", "--set", "model.heads=2", "--set", "model.intermediate=32", "--set", "model.max_position=16", "--device", "cpu"];

    private readonly TemporaryFolder _folder = new();

    public TextTests()
    {
        _folder.Write("cola/vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\nred\nblue\ncat\ndog\n"u8.ToArray());
        // Sentences with a red thing are fine, those with a blue one are not.
        static string Rows(int count, int from) => string.Concat(Enumerable.Range(from, count).Select(i => string.Create(
            CultureInfo.InvariantCulture, $"s\t{i % 2}\t\t{(i % 3 == 0 ? "dog " : "")}{(i % 2 == 1 ? "red" : "blue")} {(i % 5 < 2 ? "cat" : "dog dog")}\n")));
        _folder.Write("cola/in_domain_train.tsv", Encoding.UTF8.GetBytes(Rows(96, 0)));
        _folder.Write("cola/in_domain_dev.tsv", Encoding.UTF8.GetBytes(Rows(20, 7)));
        _folder.Write("cola/out_of_domain_dev.tsv", Encoding.UTF8.GetBytes(Rows(13, 3)));
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_text_encoder_learns_and_is_judged_by_the_tasks_figure()
    {
        string[] data = ["--data", "cola", "--data-dir", _folder["cola"]];
        var outcome = Run(["train", .. Small, .. data, "--epochs", "6", "--batch", "16", "--optimizer", "adamw", "--lr", "0.01", "--policy", "none", "--json", "--out", _folder["run"]]);

        Assert.True(outcome.Code == 0, outcome.Error);
        Assert.Contains("testing on in_domain_dev.tsv and out_of_domain_dev.tsv", outcome.Error, StringComparison.Ordinal);
        using var summary = JsonDocument.Parse(outcome.Output);
        Assert.Equal(36, summary.RootElement.GetProperty("steps").GetInt32());
        Assert.Equal(1.0, summary.RootElement.GetProperty("mcc").GetDouble());
        Assert.False(summary.RootElement.TryGetProperty("f1", out _));
        Assert.Contains("\"test_mcc\":1,", File.ReadAllLines(_folder["run/metrics.jsonl"])[^1], StringComparison.Ordinal);
        string weights = Directory.EnumerateFiles(_folder["run/checkpoints"], "*.safetensors").First();
        var eval = Run(["eval", .. Small, .. data, "--weights", weights, "--json"]);
        Assert.True(eval.Code == 0, eval.Error);
        using var figures = JsonDocument.Parse(eval.Output);
        Assert.Equal((33, 33, 1.0), (figures.RootElement.GetProperty("correct").GetInt32(), figures.RootElement.GetProperty("total").GetInt32(), figures.RootElement.GetProperty("mcc").GetDouble()));
        var known = Run(["eval", .. Small, .. data, "--weights", weights, "--json", "--split", "train"]);
        Assert.Contains("\"total\": 96", known.Output, StringComparison.Ordinal);
        Assert.Equal("option '--split' is 'dev', expected test or train", Refused(["eval", .. Small, .. data, "--weights", weights, "--split", "dev"]));
    }

    [Fact]
    public void What_does_not_fit_is_told_before_the_first_step()
    {
        string[] train = ["train", .. Small, "--data", "cola", "--epochs", "1", "--batch", "16", "--out", _folder["run"]];
        Assert.Equal("data 'cola' needs a directory: the one with in_domain_train.tsv (cola_public/raw), or GLUE's", Refused(train));
        string[] there = [.. train, "--data-dir", _folder["cola"]];
        Assert.Contains("'input_ids' has 6 tokens, bert_base takes 4 at most", Refused([.. there, "--set", "model.max_position=4"]), StringComparison.Ordinal);
        Assert.Contains("has numbers below 8 in 'input_ids', bert_base takes those below 7", Refused([.. there, "--set", "model.vocab_size=7"]), StringComparison.Ordinal);
        Assert.Contains("the data has 'input_ids', 'token_type_ids', 'attention_mask', cnn expects 'input'", Refused(["train", "--model", "cnn", "--device", "cpu", "--data", "cola", "--data-dir", _folder["cola"], "--batch", "16", "--out", _folder["run"]]), StringComparison.Ordinal);
        Assert.Equal("option 'data.max_length' is 2, expected at least 3", Refused([.. there, "--set", "data.max_length=2"]));
        File.Delete(_folder["cola/vocab.txt"]);
        Assert.Contains("name BERT's vocabulary with option data.vocab", Refused(there), StringComparison.Ordinal);
        File.Delete(_folder["cola/out_of_domain_dev.tsv"]);
        Assert.StartsWith($"{_folder["cola"]}: out_of_domain_dev.tsv is missing beside in_domain_train.tsv", Refused(there), StringComparison.Ordinal);
        Assert.False(Directory.Exists(_folder["run"]));
    }
}
