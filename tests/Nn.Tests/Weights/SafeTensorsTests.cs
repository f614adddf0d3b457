using System.Text;
using CsCheck;
using SmartFrz.Nn.Weights;

namespace SmartFrz.Nn.Tests;

public sealed class SafeTensorsTests
{
    [Fact]
    public void Every_type_is_written_and_read()
    {
        var file = new SafeTensors
        {
            Tensors =
            {
                ["f32"] = StoredTensor.Of([1f, -0f, float.NaN, float.MaxValue], 2, 2),
                ["f64"] = StoredTensor.Of([Math.PI, 1e300], 2),
                ["f16"] = StoredTensor.Of([(Half)1.5f, Half.NegativeInfinity], 2),
                ["bf16"] = new StoredTensor("BF16", [2], (byte[])[0x80, 0x3F, 0x49, 0xC0]),
                ["i64"] = StoredTensor.Of([long.MinValue]),
                ["i32"] = StoredTensor.Of([-7], 1, 1, 1),
                ["u8"] = StoredTensor.Of((ReadOnlySpan<byte>)[0, 128, 255], 3),
                ["bool"] = new StoredTensor("BOOL", [2], (byte[])[1, 0]),
                ["empty"] = StoredTensor.Of(ReadOnlySpan<float>.Empty, 0, 5),
            },
        };

        var read = SafeTensors.Read(new MemoryStream(Bytes(file)), "x").Tensors;

        Assert.Equal(file.Tensors.Keys, read.Keys);
        Assert.Equal([1f, -0f, float.NaN, float.MaxValue], read["f32"].ToFloats());
        Assert.Equal([(float)Math.PI, float.PositiveInfinity], read["f64"].ToFloats());
        Assert.Equal([Math.PI, 1e300], read["f64"].ToDoubles());
        Assert.Equal([1.5f, float.NegativeInfinity], read["f16"].ToFloats());
        Assert.Equal([1.5, double.NegativeInfinity], read["f16"].ToDoubles());
        Assert.Equal([1f, -3.140625f], read["bf16"].ToFloats());
        Assert.Equal([long.MinValue], read["i64"].ToLongs());
        Assert.Equal([-9223372036854775808f], read["i64"].ToFloats());
        Assert.Equal([-7L], read["i32"].ToLongs());
        Assert.Equal([-7.0], read["i32"].ToDoubles());
        Assert.Equal([0f, 128f, 255f], read["u8"].ToFloats());
        Assert.Equal([1L, 0L], read["bool"].ToLongs());
        Assert.Empty(read["empty"].ToFloats());
        Assert.Equal("F32 (2,2)", read["f32"].ToString());
        Assert.Equal("I64 ()", read["i64"].ToString());
        Assert.Equal((4, 1, 0), (read["f32"].Count, read["i64"].Count, read["empty"].Count));
        Assert.Equal(
            "a tensor of F32 was found where whole numbers are expected",
            Assert.Throws<WeightsFormatException>(() => read["f32"].ToLongs()).Message);
    }

    [Fact]
    public void The_bytes_are_those_of_the_format()
    {
        var file = new SafeTensors
        {
            Metadata = { ["format"] = "pt" },
            Tensors = { ["b"] = StoredTensor.Of([1f], 1), ["B"] = StoredTensor.Of((ReadOnlySpan<byte>)[5]) },
        };

        const string given = """{"__metadata__":{"format":"pt"},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"B":{"dtype":"U8","shape":[],"data_offsets":[4,5]}}""";
        Assert.Equal(File(given, 0, 0, 0x80, 0x3F, 5), Bytes(file));
        Assert.Equal(0, Bytes(file)[0] % 8);
        const string sorted = """{"__metadata__":{"format":"pt"},"B":{"dtype":"U8","shape":[],"data_offsets":[0,1]},"b":{"dtype":"F32","shape":[1],"data_offsets":[1,5]}}""";
        Assert.Equal(File(sorted, 5, 0, 0, 0x80, 0x3F), Bytes(file, sorted: true));
        Assert.Equal(File("{}"), Bytes(new SafeTensors()));
    }

    [Fact]
    public void What_was_written_is_the_same_when_read_and_written_again()
    {
        var name = Gen.OneOf(Gen.String[Gen.Char.AlphaNumeric, 0, 6], Gen.String[Gen.Char['\0', '\u02FF'], 0, 4], Gen.Const("😀/日本"));
        var tensor = Gen.Select(name, Gen.Int[0, 7], Gen.Int[0, 4].Array[0, 3], Gen.Int);
        Gen.Select(tensor.Array[0, 6], Gen.Select(name, name).Array[0, 3], Gen.Bool).Sample(
            (tensors, metadata, sorted) =>
            {
                var file = new SafeTensors();
                foreach (var (key, value) in metadata)
                {
                    file.Metadata[key] = value;
                }

                foreach (var (own, type, shape, seed) in tensors)
                {
                    string dtype = StoredTensor.Types.ElementAt(type);
                    int count = shape.Aggregate(StoredTensor.SizeOf(dtype), (a, b) => a * b);
                    file.Tensors[own] = new StoredTensor(dtype, shape, Enumerable.Range(0, count).Select(i => (byte)(seed + (i * 31))).ToArray());
                }

                byte[] bytes = Bytes(file, sorted);
                return Bytes(SafeTensors.Read(IdxFiles.Trickle(bytes), "x")).SequenceEqual(bytes);
            },
            seed: "0000000000001", iter: 2_000);
    }

    [Fact]
    public void A_file_on_disk_is_read_like_a_stream()
    {
        using var folder = new TemporaryFolder();
        float[] values = [.. Enumerable.Range(0, 70_000).Select(i => i / 7f)];
        var file = new SafeTensors { Tensors = { ["w"] = StoredTensor.Of(values, 70_000) } };
        file.Write(folder["w.safetensors"]);

        var read = SafeTensors.Read(folder["w.safetensors"]);

        Assert.Equal(values, read.Tensors["w"].ToFloats());
        Assert.Equal([folder["w.safetensors"]], Directory.GetFileSystemEntries(folder.Root));
        Assert.Equal(Bytes(file), System.IO.File.ReadAllBytes(folder["w.safetensors"]));
    }

    [Theory]
    [InlineData("""[]""", "x: the header begins with 0x5b, expected '{'; is it a safetensors file?")]
    [InlineData("""{"a":1}""", "x: tensor 'a' is a number, expected an object with dtype, shape and data_offsets")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1]}}""", "x: tensor 'a' has no data_offsets")]
    [InlineData("""{"a":{"dtype":"F8","shape":[1],"data_offsets":[0,4]}}""", "x: tensor 'a' has dtype 'F8', expected one of F64 F32 F16 BF16 I64 I32 U8 BOOL")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1}}""", "x: tensor 'a' has a field 'x', expected dtype, shape and data_offsets")]
    [InlineData("""{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", "x: tensor 'a' has dtype twice")]
    [InlineData("""{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}""", "x: tensor 'a' has a shape that is not a list of whole numbers from 0")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}}""", "x: tensor 'a' has a shape that is not a list of whole numbers from 0")]
    [InlineData("""{"a":{"dtype":"F32","shape":4,"data_offsets":[0,4]}}""", "x: tensor 'a' has a shape that is not a list of whole numbers from 0")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}""", "x: tensor 'a' has data_offsets [4,0], expected a begin and an end")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,2,4]}}""", "x: tensor 'a' has data_offsets [0,2,4], expected a begin and an end")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}""", "x: tensor 'a', F32 (2), needs 8 bytes, its data_offsets hold 4")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4294967296],"data_offsets":[0,4]}}""", "x: tensor 'a' has a shape (4294967296) that is too large")]
    [InlineData("""{"a":{"dtype":"F64","shape":[2147483647,2147483647,2147483647,2147483647,2147483647],"data_offsets":[0,4]}}""", "x: tensor 'a' has a shape (2147483647,2147483647,2147483647,2147483647,2147483647) that is too large")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", "x: truncated, tensor 'a' ends at byte 8, 4 bytes of data are there")]
    [InlineData("""{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}}""", "x: the tensors end at byte 3, 4 bytes of data are there")]
    [InlineData("""{"a":{"dtype":"U8","shape":[3],"data_offsets":[1,4]}}""", "x: tensor 'a' begins at byte 1, the data begin at 0: the bytes between belong to none")]
    [InlineData("""{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}""", "x: tensor 'b' begins at byte 2, 'a' ends at 1: the bytes between belong to none")]
    [InlineData("""{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}""", "x: tensor 'b' begins at byte 2, 'a' ends at 3: they overlap")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", "x: the header has two tensors 'a'")]
    [InlineData("""{"__metadata__":{"a":1},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", "x: __metadata__ 'a' is a number, expected a text")]
    [InlineData("""{"__metadata__":[],"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", "x: __metadata__ is a list, expected an object of texts")]
    [InlineData("""{"__metadata__":{"a":"1","a":"2"}}""", "x: __metadata__ has 'a' twice")]
    [InlineData("""{"__metadata__":{},"__metadata__":{}}""", "x: the header has __metadata__ twice")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}} x""", "x: the header is not valid JSON at byte 55")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},}""", "x: the header is not valid JSON at byte 54")]
    [InlineData("""{"a":{"dtype":"F32","shape":[[[[[1]]]]],"data_offsets":[0,4]}}""", "x: tensor 'a' has a shape that is not a list of whole numbers from 0")]
    [InlineData("""{"\ud800":1}""", "x: the header has a text that is not valid Unicode before byte 10")]
    [InlineData("""{"a\n\u0007b":1}""", "x: tensor 'a??b' is a number, expected an object with dtype, shape and data_offsets")]
    public void A_wrong_header_is_one_line_with_both_sides(string header, string message)
    {
        Assert.Equal(message, Message(File(header, 1, 2, 3, 4)));
    }

    [Fact]
    public void What_is_no_such_file_is_said()
    {
        using var folder = new TemporaryFolder();

        Assert.Equal($"{folder["none"]}: there is no such file", Assert.Throws<WeightsFormatException>(() => SafeTensors.Read(folder["none"])).Message);
        Assert.Equal($"{folder.Root}: a directory, expected a file", Assert.Throws<WeightsFormatException>(() => SafeTensors.Read(folder.Root)).Message);
        Assert.Equal("x: 0 bytes, a safetensors file has at least 10", Message([]));
        Assert.Equal("x: truncated, a header of 16 bytes, 2 bytes follow its length", Message([16, 0, 0, 0, 0, 0, 0, 0, 1, 2]));
        Assert.Equal("x: the header begins with nothing, expected '{'; is it a safetensors file?", Message(new byte[8]));
        Assert.Equal("x: a header of 18446744073709551615 bytes, at most 100000000 are read; is it a safetensors file?", Message([.. Enumerable.Repeat((byte)255, 20)]));
    }

    [Fact]
    public void A_wrong_tensor_is_not_written()
    {
        Assert.Equal("tensor 'a', F32 (2,3), needs 24 bytes, it has 20", Wrong("a", StoredTensor.Of(new float[5], 2, 3)));
        Assert.Equal("tensor 'a' has type 'F8', known: F64, F32, F16, BF16, I64, I32, U8, BOOL", Wrong("a", new StoredTensor("F8", [1], new byte[1])));
        Assert.Equal("a tensor cannot be called __metadata__", Wrong("__metadata__", StoredTensor.Of([1f], 1)));
        Assert.NotNull(Wrong("\ud800", StoredTensor.Of([1f], 1)));

        static string Wrong(string name, StoredTensor tensor) =>
            Assert.ThrowsAny<ArgumentException>(() => Bytes(new SafeTensors { Tensors = { [name] = tensor } })).Message;
    }

    [Fact]
    public void A_damaged_file_is_our_exception_and_nothing_else()
    {
        byte[] good = Bytes(new SafeTensors
        {
            Metadata = { ["format"] = "pt" },
            Tensors = { ["conv.weight"] = StoredTensor.Of([1f, 2f, 3f, 4f], 2, 1, 2), ["num_batches_tracked"] = StoredTensor.Of([5L]) },
        });
        var damage = Gen.OneOf(Gen.Byte.Array[1, 3], Gen.Int[0, 6].Select(i => (byte)"\"{}[,9-"[i]).Array[1, 3]);

        Gen.Select(damage, Gen.Int[0, 10_000], Gen.Int[0, 2]).Sample(
            (bytes, at, how) =>
            {
                long before = GC.GetAllocatedBytesForCurrentThread();
                try
                {
                    var file = SafeTensors.Read(new MemoryStream(Damage.Of(good, bytes, at, how)), "x");
                    Assert.All(file.Tensors.Values, t => Assert.Equal(t.Count, t.ToFloats().Length));
                }
                catch (WeightsFormatException e)
                {
                    Assert.StartsWith("x: ", e.Message, StringComparison.Ordinal);
                    Assert.DoesNotContain('\n', e.Message);
                }

                return GC.GetAllocatedBytesForCurrentThread() - before < 1 << 20;
            },
            iter: 10_000, seed: "0000000000001");
    }

    [DataFact("cifar10-resnet20/resnet20.safetensors")]
    public void A_trained_network_is_read_and_written_again_byte_by_byte()
    {
        string path = DataFolder.Path("cifar10-resnet20/resnet20.safetensors");

        var file = SafeTensors.Read(path);

        Assert.Equal(97, file.Tensors.Count);
        Assert.Equal(269_722, file.Tensors.Where(t => !t.Key.Contains("running", StringComparison.Ordinal)).Sum(t => t.Value.Count));
        Assert.Equal("pt", file.Metadata["format"]);
        Assert.Equal("F32 (64,32,3,3)", file.Tensors["layer3.0.conv1.weight"].ToString());
        Assert.All(file.Tensors["bn1.running_var"].ToFloats(), v => Assert.True(v > 0));
        Assert.Equal(System.IO.File.ReadAllBytes(path), Bytes(file));
    }

    private static byte[] Bytes(SafeTensors file, bool sorted = false)
    {
        using var stream = new MemoryStream();
        file.Write(stream, sorted);
        return stream.ToArray();
    }

    // The header padded as it is, its length before it, the data behind.
    private static byte[] File(string header, params byte[] data)
    {
        byte[] text = Encoding.UTF8.GetBytes(header.PadRight((header.Length + 7) / 8 * 8));
        return [.. BitConverter.GetBytes((long)text.Length), .. text, .. data];
    }

    private static string Message(byte[] file) =>
        Assert.Throws<WeightsFormatException>(() => SafeTensors.Read(new MemoryStream(file), "x")).Message;
}
