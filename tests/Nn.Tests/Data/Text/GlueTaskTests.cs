using System.Text;
using CsCheck;
using SmartFrz.Nn.Data;

namespace SmartFrz.Nn.Tests;

public sealed class GlueTaskTests
{
    private const string MrpcHeader = "Quality\t#1 ID\t#2 ID\t#1 String\t#2 String\r\n";

    [Fact]
    public void The_corpus_of_acceptability_is_read_in_both_forms()
    {
        TextExample[] expected = [new("She said \"no.", null, 1), new("Dog the ran", null, 0)];
        Assert.Equal(expected, Read(GlueTask.Cola, "ab01\t1\t\tShe said \"no.\nab01\t0\t*\tDog the ran"));
        Assert.Equal(expected, Read(GlueTask.Cola, "\u00ef\u00bb\u00bfab01\t1\t\tShe said \"no.\r\nab01\t0\t*\tDog the ran\r\n"));
        Assert.Equal(expected, Read(GlueTask.Cola, "sentence\tlabel\nShe said \"no.\t1\n\nDog the ran\t0\n"));
        Assert.Equal("x: the header has no column label: this is a file without labels", Message(GlueTask.Cola, "index\tsentence\n0\ta\n"));
        Assert.Equal("x: line 2 has 3 columns, 4 are expected: columns are parted by tabs, and quotes do not join them", Message(GlueTask.Cola, "a\t1\t\tb\nc\t1\td\n"));
        Assert.Equal("x: line 1 has the label '2', 0 or 1 is expected", Message(GlueTask.Cola, "a\t2\t\tb\n"));
        Assert.Equal("x: no lines with source, label, mark, sentence", Message(GlueTask.Cola, "\n\n"));
        Assert.Equal("x: line 1 is not UTF-8", Message(GlueTask.Cola, "a\t1\t\t\u00e9\n"));
    }

    [Fact]
    public void The_corpus_of_paraphrases_is_read_in_both_forms()
    {
        TextExample[] expected = [new("\"A\" is", "it is \"", 1), new("B", "C", 0)];
        const string rows = "1\t17\t18\t\"A\" is\tit is \"\r\n0\t19\t20\tB\tC\r\n";
        Assert.Equal(expected, Read(GlueTask.Mrpc, "\u00ef\u00bb\u00bf" + MrpcHeader + rows));
        Assert.Equal(expected, Read(GlueTask.Mrpc, rows));
        Assert.Equal(expected, Read(GlueTask.Mrpc, "sentence1\tsentence2\tlabel\tidx\n\"A\" is\tit is \"\t1\t0\nB\tC\t0\t1"));
        Assert.Equal("x: the header has no column Quality: this is a file without labels", Message(GlueTask.Mrpc, "index\t#1 ID\t#2 ID\t#1 String\t#2 String\n"));
    }

    [Fact]
    public void Folders_of_the_official_archives_are_accepted_and_what_is_missing_is_named()
    {
        using var folder = new TemporaryFolder();
        byte[] cola = "a\t1\t\tb\n"u8.ToArray();
        Assert.Equal(
            $"{folder["cola"]}: cola needs in_domain_train.tsv, in_domain_dev.tsv, out_of_domain_dev.tsv, or train.tsv, dev.tsv; there is no such directory",
            Missing(GlueTask.Cola, folder["cola"]));
        folder.Write("cola/cola_public/raw/in_domain_train.tsv", cola);
        folder.Write("cola/cola_public/raw/in_domain_dev.tsv", cola);
        Assert.Equal(
            $"{Path.Combine(folder["cola"], "cola_public/raw")}: out_of_domain_dev.tsv is missing beside in_domain_train.tsv; cola needs in_domain_train.tsv, in_domain_dev.tsv, out_of_domain_dev.tsv, or train.tsv, dev.tsv",
            Missing(GlueTask.Cola, folder["cola"]));
        folder.Write("cola/cola_public/raw/out_of_domain_dev.tsv", cola);
        foreach (string directory in (string[])["cola/cola_public/raw", "cola/cola_public", "cola", ""])
        {
            var (train, test, note) = GlueTask.Cola.Read(folder[directory]);
            Assert.Equal((1, 2), (train.Count, test.Count));
            Assert.Contains("training on in_domain_train.tsv, testing on in_domain_dev.tsv and out_of_domain_dev.tsv of", note, StringComparison.Ordinal);
        }

        byte[] mrpc = Encoding.UTF8.GetBytes("\ufeff" + MrpcHeader + "1\t1\t2\ta\tb\r\n");
        folder.Write("MRPC/train.tsv", mrpc);
        folder.Write("MRPC/dev.tsv", mrpc);
        Assert.Contains("train.tsv", GlueTask.Mrpc.Read(folder["MRPC"]).Note, StringComparison.Ordinal);
        folder.Write("MRPC/msr_paraphrase_train.txt", mrpc);
        folder.Write("MRPC/msr_paraphrase_test.txt", mrpc);
        Assert.Contains("training on msr_paraphrase_train.txt, testing on msr_paraphrase_test.txt", GlueTask.Mrpc.Read(folder.Root).Note, StringComparison.Ordinal);
        Assert.Contains("training on train.tsv, testing on dev.tsv", GlueTask.Mrpc.Read(folder.Root, "glue").Note, StringComparison.Ordinal);
        Assert.Equal("option 'data.files' is 'both', expected official or glue", Assert.Throws<SmartFrz.Nn.Options.OptionException>(() => GlueTask.Mrpc.Read(folder.Root, "both")).Message);
    }

    [DataFact("cola/in_domain_train.tsv", "mrpc/msr_paraphrase_train.txt")]
    public void The_corpora_have_their_published_sizes()
    {
        var cola = GlueTask.Cola.Read(DataFolder.Path("cola"));
        var mrpc = GlueTask.Mrpc.Read(DataFolder.Path("mrpc"));

        Assert.Equal((8551, 6023, 1043, 365 + 354), (cola.Train.Count, cola.Train.Sum(e => e.Label), cola.Test.Count, cola.Test.Sum(e => e.Label)));
        Assert.Equal((4076, 2753, 1725, 1147), (mrpc.Train.Count, mrpc.Train.Sum(e => e.Label), mrpc.Test.Count, mrpc.Test.Sum(e => e.Label)));
    }

    [Fact]
    public void A_damaged_file_is_our_exception_and_nothing_else()
    {
        byte[] good = Encoding.UTF8.GetBytes("\ufeff" + MrpcHeader + "1\t17\t18\tÄ \"quoted\" text\tanother one\r\n0\t19\t20\tB\tC\r\n");
        var damage = Gen.OneOf(Gen.Byte.Array[1, 3], Gen.Int[0, 6].Select(i => (byte)"\t\r\n01\"\u00ff"[i]).Array[1, 3]);
        Gen.Select(damage, Gen.Int[0, 10_000], Gen.Int[0, 2]).Sample(
            (bytes, at, how) =>
            {
                byte[] file = Damage.Of(good, bytes, at, how);
                long before = GC.GetAllocatedBytesForCurrentThread();
                try
                {
                    GlueTask.Mrpc.Columns.Read(new MemoryStream(file), "x");
                }
                catch (DataFormatException e)
                {
                    Assert.StartsWith("x: ", e.Message, StringComparison.Ordinal);
                    Assert.DoesNotContain('\n', e.Message);
                }

                // 32 times the file, and the buffer that it is read through.
                return GC.GetAllocatedBytesForCurrentThread() - before < (32 * file.Length) + (1 << 16);
            },
            iter: 5_000, seed: "0000000000001", threads: 1);
    }

    private static List<TextExample> Read(GlueTask task, string latin1) => task.Columns.Read(new MemoryStream(Encoding.Latin1.GetBytes(latin1)), "x");

    private static string Message(GlueTask task, string latin1) => Assert.Throws<DataFormatException>(() => Read(task, latin1)).Message;

    private static string Missing(GlueTask task, string directory) => Assert.Throws<DataFormatException>(() => task.Read(directory)).Message;
}
