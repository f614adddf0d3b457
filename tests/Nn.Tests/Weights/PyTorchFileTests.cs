using System.Diagnostics;
using System.IO.Compression;
using System.Text;
using CsCheck;
using SmartFrz.Nn.Weights;

namespace SmartFrz.Nn.Tests;

/// <summary>Files of torch.save, written by <c>bench/peers/torch_files.py</c>, and pickles put together by hand.</summary>
public sealed class PyTorchFileTests
{
    private static readonly string Golden = Path.Combine(Repository.Root, "tests", "Nn.Tests", "Weights", "Golden");

    [Theory]
    [InlineData("zip-2.pth")]
    [InlineData("zip-4.pth")]
    [InlineData("zip-5.pth")]
    [InlineData("legacy-2.th")]
    [InlineData("legacy-4.th")]
    [InlineData("legacy-5.th")]
    public void Every_type_and_view_is_read(string name)
    {
        var read = WeightsFile.Read(Path.Combine(Golden, name));

        Assert.Equal(
            [
                "F32 (2,3,2,2)", "F64 (2)", "F16 (3)", "BF16 (2)", "I64 (2)", "I32 (2,1)", "U8 (3)", "BOOL (3)", "I64 ()", "F32 (0,5)",
                "F32 (2,3,2,2)", "F32 (6)", "F32 (6,4)", "F32 (3,3)", "F32 (3,2)", "F32 (1)",
            ],
            read.Values.Select(t => t.ToString()));
        float[] weight = [.. Enumerable.Range(0, 24).Select(i => (i / 8f) - 1)];
        Assert.Equal(weight, read["weight"].ToFloats());
        Assert.Equal(weight, read["tied"].ToFloats());
        Assert.Equal([Math.PI, 1e300], read["f64"].ToDoubles());
        Assert.Equal([1.5f, -0.25f, float.PositiveInfinity], read["f16"].ToFloats());
        Assert.Equal([1f, -3.140625f], read["bf16"].ToFloats());
        Assert.Equal([1L << 40, -1L], read["i64"].ToLongs());
        Assert.Equal([-7L, 9L], read["i32"].ToLongs());
        Assert.Equal([0L, 128L, 255L], read["u8"].ToLongs());
        Assert.Equal([1L, 0L, 1L], read["bool"].ToLongs());
        Assert.Equal([7L], read["scalar"].ToLongs());
        Assert.Empty(read["empty"].ToFloats());
        Assert.Equal([12f, 13f, 14f, 15f, 16f, 17f], read["row"].ToFloats());
        Assert.Equal(Enumerable.Range(0, 24).Select(i => (float)((i % 4 * 6) + (i / 4))), read["transposed"].ToFloats());
        Assert.Equal([7f, 9f, 11f, 13f, 15f, 17f, 19f, 21f, 23f], read["strided"].ToFloats());
        Assert.Equal([1f, 2f, 1f, 2f, 1f, 2f], read["expanded"].ToFloats());
        Assert.Equal([0.5f], read["parameter"].ToFloats());
    }

    [Theory]
    [InlineData("checkpoint.pth")]
    [InlineData("checkpoint.th")]
    public void Of_a_checkpoint_the_network_is_read_without_its_wrapper(string name)
    {
        var read = WeightsFile.Convert(Path.Combine(Golden, name));

        Assert.Equal("pt", read.Metadata["format"]);
        Assert.Equal(
            ["0.bias F32 (3)", "0.weight F32 (3,2)", "1.bias F32 (3)", "1.num_batches_tracked I64 ()", "1.running_mean F32 (3)", "1.running_var F32 (3)", "1.weight F32 (3)"],
            read.Tensors.Select(t => $"{t.Key} {t.Value}").Order(StringComparer.Ordinal));
        Assert.Equal([0f, 1f, 2f, 3f, 4f, 5f], read.Tensors["0.weight"].ToFloats());
        Assert.Equal([50f, 51f, 52f], read.Tensors["1.running_var"].ToFloats());
        Assert.Equal([60L], read.Tensors["1.num_batches_tracked"].ToLongs());
    }

    [DataFact("cifar10-resnet20/resnet20.th", "cifar10-resnet20/resnet20.safetensors")]
    public void A_trained_network_is_the_same_in_both_formats()
    {
        var expected = SafeTensors.Read(DataFolder.Path("cifar10-resnet20/resnet20.safetensors")).Tensors;

        var read = WeightsFile.Read(DataFolder.Path("cifar10-resnet20/resnet20.th"));

        Assert.Equal(expected.Keys, read.Keys.Order(StringComparer.Ordinal));
        Assert.All(read, t => Assert.True(t.Value.ToString() == expected[t.Key].ToString() && t.Value.Bytes.Span.SequenceEqual(expected[t.Key].Bytes.Span)));
    }

    [Fact]
    public void A_module_is_refused_by_the_name_of_its_class()
    {
        string path = Path.Combine(Golden, "module.pth");

        Assert.Equal(
            $"{path}: the pickle asks for 'torch.nn.modules.linear.Linear', which is not built here: only tensors and containers are; "
            + "write the weights alone with torch.save(model.state_dict(), FILE)",
            Assert.Throws<WeightsFormatException>(() => WeightsFile.Read(path)).Message);
    }

    [Theory]
    [InlineData("cposix\nsystem\n(X\u0004\0\0\0truetR.", "asks for 'posix.system'")]
    [InlineData("c__builtin__\neval\n.", "asks for '__builtin__.eval'")]
    [InlineData("\u008c\u0008builtins\u008c\u0004exec\u0093.", "asks for 'builtins.exec'")]
    [InlineData("ctorch\nload\n.", "asks for 'torch.load'")]
    [InlineData("ctorch.storage\n_load_from_bytes\n.", "asks for 'torch.storage._load_from_bytes'")]
    [InlineData("c\u001b[31m\nx\n.", "asks for '?[31m.x'")]
    [InlineData("(X\u0004\0\0\0trueiposix\nsystem\n.", "the instruction INST")]
    [InlineData("(cposix\nsystem\no.", "asks for 'posix.system'")]
    [InlineData("(o.", "the instruction OBJ")]
    [InlineData("Pstorage\n.", "the instruction PERSID")]
    [InlineData("\u0082\u0001.", "the instruction EXT1")]
    [InlineData("\u0084\u0001\0\0\0.", "the instruction EXT4")]
    [InlineData("\u0092.", "the instruction NEWOBJ_EX")]
    [InlineData("\u0097.", "the instruction NEXT_BUFFER")]
    [InlineData("\u00ff.", "the instruction 0xff")]
    [InlineData("X\u0006\0\0\0module\u0085Q.", "names 'module' outside of it")]
    [InlineData("]K\u0001R.", "damaged pickle, a call of a list before byte 4")]
    [InlineData("cnumpy\ndtype\nNR.", "damaged pickle, a call with None for arguments before byte 15")]
    [InlineData("ctorch.FloatStorage\n", "truncated or damaged pickle, 1 bytes wanted at byte 20, 0 are there")]
    [InlineData("ctorch\nFloatStorage\n)R.", "a call of torch.FloatStorage")]
    [InlineData("K\u0001K\u0002s.", "more values are taken than were put")]
    [InlineData("(K\u0001t(K\u0002K\u0003(0u.", "elements for a tuple")]
    [InlineData("}(K\u0001u.", "a key without a value")]
    [InlineData("h\u0007.", "a value 7 that was never put by")]
    [InlineData("X\u0000\u0000\u0000\u0040.", "truncated or damaged pickle, 1073741824 bytes wanted at byte 5, 1 are there")]
    [InlineData("\u008d\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u00f0.", "truncated or damaged pickle")]
    [InlineData("\u008b\u00ff\u00ff\u00ff\u0000.", "a number of 16777215 bytes")]
    [InlineData("X\u0001\0\0\0\u00ff.", "a text that is not UTF-8")]
    [InlineData("Inothing\n.", "a number without digits")]
    [InlineData("\u0080\u0009N.", "a pickle of protocol 9, those up to 5 are read")]
    [InlineData("K\u0001.", "the file holds a number, a dictionary of tensors is expected")]
    [InlineData("N", "truncated or damaged pickle, 1 bytes wanted at byte 1, 0 are there")]
    [InlineData(".", "more values are taken than were put")]
    [InlineData("}X\u0005\0\0\0epochK\u0003s.", "there are no tensors in the file; it holds epoch")]
    [InlineData("}K\u0003b.", "there are no tensors in the file; it holds nothing")]
    [InlineData("K\u0003}b.", "a state for what has none")]
    public void A_hostile_or_broken_pickle_is_refused(string pickle, string message)
    {
        string[] both =
        [
            Message(Zip(("a/data.pkl", Encoding.Latin1.GetBytes(pickle)))),
            Message([.. LegacyStart, .. Encoding.Latin1.GetBytes(pickle)]),
        ];

        Assert.Contains(message, both[0], StringComparison.Ordinal);
        Assert.All(both, m => Assert.StartsWith("x: ", m, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("0", "(K\u0002t", "(K\u0001t", "does not lie in its storage of 1")]
    [InlineData("0", "(K\u0001t", "(t", "arguments that torch._utils._rebuild_tensor does not take")]
    [InlineData("0", "(J\u00ff\u00ff\u00ff\u00fft", "(K\u0001t", "has a shape (-1) that is too large or negative")]
    [InlineData("0", "(J\u00ff\u00ff\u00ff\u007fJ\u00ff\u00ff\u00ff\u007ft", "(K\u0000K\u0000t", "that is too large or negative")]
    [InlineData("0", "(M\u00ff\u00fft", "(K\u0000t", "the tensors have more than 16 times the bytes of the file")]
    [InlineData("0", "(K\u0002t", "(J\u00ff\u00ff\u00ff\u00fft", "with strides (-1) from element 0 does not lie in its storage of 1")]
    [InlineData("1", "(K\u0001t", "(K\u0001t", "there is no entry data/1, where tensors are said to lie")]
    public void A_tensor_beyond_its_storage_is_refused(string key, string size, string stride, string message)
    {
        string pickle = $"}}X\u0001\0\0\0actorch._utils\n_rebuild_tensor\n((X\u0007\0\0\0storagectorch\nFloatStorage\nX\u0001\0\0\0{key}X\u0003\0\0\0cpuK\u0001tQK\u0000{size}{stride}tRs.";

        Assert.Contains(message, Message(Zip(("a/data.pkl", Encoding.Latin1.GetBytes(pickle)), ("a/data/0", new byte[4]))), StringComparison.Ordinal);
    }

    [Fact]
    public void An_archive_of_something_else_is_said()
    {
        Assert.Equal("x: a ZIP archive without data.pkl, which torch.save writes", Message(Zip(("a.txt", [1]))));
        Assert.Equal(
            "x: a TorchScript archive, which holds a program; write the weights alone with torch.save(model.state_dict(), FILE)",
            Message(Zip(("m/data.pkl", [1]), ("m/constants.pkl", [1]))));
        Assert.Equal("x: the elements are not little-endian", Message(Zip(("m/byteorder", "big"u8.ToArray()), ("m/data.pkl", [1]))));
        Assert.Equal("x: not a file of torch.save", Message("\u0080\u0002}q\u0000."u8.ToArray()));
        Assert.Equal("x: not a file of torch.save", Message([]));
        byte[] good = File.ReadAllBytes(Path.Combine(Golden, "zip-2.pth"));
        int at = good.AsSpan().LastIndexOf("data/0"u8);
        Assert.True(at > 0);
        // The first element of the first storage: the data of an entry begin at a multiple of 64.
        int first = good.AsSpan().IndexOf((byte[])[0, 0, 0x80, 0xBF, 0, 0, 0x60, 0xBF]);
        good[first] ^= 1;
        Assert.Equal("x: entry zip-2/data/0 is damaged, its checksum is wrong", Message(good));
    }

    [Fact]
    public void A_damaged_file_is_our_exception_and_nothing_else()
    {
        byte[][] good = [.. Directory.EnumerateFiles(Golden).Order(StringComparer.Ordinal).Select(File.ReadAllBytes)];
        var damage = Gen.OneOf(Gen.Byte.Array[1, 3], Gen.Int[0, 15].Select(i => (byte)"().RQtsuhqcKMXr}"[i]).Array[1, 3]);
        var watch = Stopwatch.StartNew();

        Gen.Select(Gen.Int[0, good.Length - 1], damage, Gen.Int[0, 10_000], Gen.Int[0, 2]).Sample(
            (file, bytes, at, how) =>
            {
                long before = GC.GetAllocatedBytesForCurrentThread();
                try
                {
                    var read = PyTorchFile.Read(new MemoryStream(Damage.Of(good[file], bytes, at, how)), "x");
                    Assert.All(read.Values, t => Assert.Equal(t.Count, t.ToFloats().Length));
                }
                catch (WeightsFormatException e)
                {
                    Assert.StartsWith("x: ", e.Message, StringComparison.Ordinal);
                    Assert.DoesNotContain('\n', e.Message);
                }

                // 256 times the pickle; these files are little else.
                return GC.GetAllocatedBytesForCurrentThread() - before < (256 * good[file].Length) + (1 << 18);
            },
            iter: 10_000, seed: "0000000000001", threads: 1);

        Assert.True(watch.Elapsed < TimeSpan.FromMinutes(1), "a damaged file takes too long");
    }

    [Fact]
    public void A_pickle_costs_a_bounded_multiple_of_its_bytes()
    {
        foreach (string unit in (string[])["}", "]", "(", "N2", "K\u0001", "}\u0094", "\u008c\u0001a\u0094", ")0", "N\u0085", "N\u0087", "]2e", "(l", "(d", "}NNs0"])
        {
            const int bytes = 1 << 18;
            byte[] pickle = Encoding.Latin1.GetBytes(string.Concat(Enumerable.Repeat(unit, bytes / unit.Length)));
            long before = GC.GetAllocatedBytesForCurrentThread();

            Message([.. LegacyStart, .. pickle]);

            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 256L * bytes);
        }
    }

    // The magic number, the version, and a dictionary that says little-endian.
    private static readonly byte[] LegacyStart =
    [
        0x80, 2, 0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, (byte)'.', 0x80, 2, (byte)'M', 0xE9, 3, (byte)'.',
        .. Encoding.Latin1.GetBytes("\u0080\u0002}X\u000d\0\0\0little_endian\u0088s."),
    ];

    private static byte[] Zip(params (string Name, byte[] Bytes)[] entries)
    {
        using var stream = new MemoryStream();
        using (var zip = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (var (name, bytes) in entries)
            {
                using var entry = zip.CreateEntry(name, CompressionLevel.NoCompression).Open();
                entry.Write(bytes);
            }
        }

        return stream.ToArray();
    }

    private static string Message(byte[] file) =>
        Assert.Throws<WeightsFormatException>(() => PyTorchFile.Read(new MemoryStream(file), "x")).Message;
}
