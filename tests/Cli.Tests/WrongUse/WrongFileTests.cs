using System.Buffers.Binary;
using System.Text;
using SmartFrz.Kernels.Cpu;
using SmartFrz.Nn;
using SmartFrz.Nn.Weights;
using SmartFrz.Tensors;

namespace SmartFrz.Cli.Tests;

public sealed class WrongFileTests : WrongUseTest
{
    private static readonly byte[] Images = [.. Words(0x803, 2, 4, 4), .. new byte[32]], Labels = [.. Words(0x801, 2), 3, 4];

    [Fact]
    public void A_truncated_IDX_file() =>
        Assert.Equal($"{Folder["train-images-idx3-ubyte"]}: truncated, 31 of 32 bytes are there", Idx(Images[..^1], Labels));

    [Fact]
    public void An_IDX_file_of_another_kind()
    {
        Assert.Equal($"{Folder["train-images-idx3-ubyte"]}: magic number 0x00000801 (labels), an IDX file of images begins with 0x00000803", Idx(Labels, Labels));
        Assert.Equal($"{Folder["train-labels-idx1-ubyte"]}: magic number 0x89504e47, an IDX file of labels begins with 0x00000801", Idx(Images, [0x89, 0x50, 0x4E, 0x47]));
    }

    [Fact]
    public void IDX_files_that_do_not_belong_together() =>
        Assert.Equal(
            $"{Folder["train-images-idx3-ubyte"]} has 2 images, {Folder["train-labels-idx1-ubyte"]} has 1 labels", Idx(Images, [.. Words(0x801, 1), 3]));

    [Fact]
    public void A_data_directory_without_the_files()
    {
        Assert.Equal(
            $"{Folder["none"]}: Fashion-MNIST needs train-images-idx3-ubyte or train-images-idx3-ubyte.gz there; there is no such directory",
            Refuse("fashion-mnist", "--data-dir", Folder["none"]));
        Assert.StartsWith("data 'cifar10' needs a directory", Refuse("cifar10"), StringComparison.Ordinal);
        Assert.StartsWith("data 'image-folder' needs a directory", Refuse("image-folder"), StringComparison.Ordinal);
    }

    [Fact]
    public void Records_of_CIFAR100_given_as_CIFAR10()
    {
        // A record of CIFAR-100 has two labels before its 3,072 bytes of pixels, one of CIFAR-10 a single one.
        byte[] hundred = new byte[2 * 3074];
        for (int i = 1; i <= 5; i++)
        {
            Folder.Write($"ten/data_batch_{i}.bin", hundred);
        }

        Folder.Write("ten/test_batch.bin", hundred);
        Folder.Write("hundred/train.bin", hundred);
        Folder.Write("hundred/test.bin", hundred);

        Assert.Equal(
            $"{Folder["ten/data_batch_1.bin"]}: 6148 bytes, a multiple of 3074: that is CIFAR-100; CIFAR-10 has records of 3073 bytes (1 of labels, 3072 of pixels)",
            Refuse("cifar10", "--data-dir", Folder["ten"]));
        Assert.EndsWith("that is CIFAR-100, read by 'cifar100'", Refuse("cifar10", "--data-dir", Folder["hundred"]), StringComparison.Ordinal);
        Assert.EndsWith("that is CIFAR-10, read by 'cifar10'", Refuse("cifar100", "--data-dir", Folder["ten"]), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}""", "tensor 'b' begins at byte 2, 'a' ends at 3: they overlap")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", "truncated, tensor 'a' ends at byte 8, 4 bytes of data are there")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[9223372036854775800,9223372036854775804]}}""", "truncated, tensor 'a' ends at byte 9223372036854775804, 4 bytes of data are there")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}""", "tensor 'a' has a data_offsets that is not a list of whole numbers from 0")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}""", "the header is not valid JSON")]
    public void A_damaged_safetensors_file(string header, string message)
    {
        byte[] text = Encoding.UTF8.GetBytes(header);

        Assert.StartsWith($"{Folder["w"]}: {message}", Weights([.. BitConverter.GetBytes((long)text.Length), .. text, 1, 2, 3, 4]), StringComparison.Ordinal);
    }

    [Fact]
    public void A_safetensors_file_with_a_monstrous_header()
    {
        Assert.StartsWith($"{Folder["w"]}: a header of 9223372036854775807 bytes, at most ", Weights([.. BitConverter.GetBytes(long.MaxValue), (byte)'{', (byte)'}']), StringComparison.Ordinal);
        Assert.Equal($"{Folder["w"]}: truncated, a header of 99999999 bytes, 2 bytes follow its length", Weights([.. BitConverter.GetBytes(99_999_999L), (byte)'{', (byte)'}']));
        Assert.Equal($"{Folder["w"]}: 0 bytes, a safetensors file has at least 10", Weights([]));
    }

    [Fact]
    public void Weights_of_another_network_are_listed_up_to_twenty()
    {
        WeightsOf("resnet20", Folder["deep"]);
        WeightsOf("resnet8", Folder["classes"], ("num_classes", 7));

        string deep = TrainRefused("--weights", Folder["deep"]);

        Assert.StartsWith($"{Folder["deep"]}: ", deep, StringComparison.Ordinal);
        Assert.Contains("layer1.1.conv1.weight (2,2,3,3)", deep, StringComparison.Ordinal);
        Assert.Equal(20, deep.Split("; ").Count(part => part.Contains('(', StringComparison.Ordinal)));
        Assert.Matches("and [0-9]+ more", deep);
        Assert.Equal(
            $"{Folder["classes"]}: 2 tensors do not fit resnet8: linear.weight is (7,8), the network has (10,8); linear.bias is (7), the network has (10)",
            TrainRefused("--weights", Folder["classes"]));
        Assert.StartsWith(
            $"{Folder["classes"]}: ", RefusedWithoutTrace(["eval", .. Small.Options, "--weights", Folder["classes"]]), StringComparison.Ordinal);
    }

    private static void WeightsOf(string model, string path, params (string Key, int Value)[] options)
    {
        using var device = new CpuDevice(1);
        using var engine = new Engine(device);
        using var network = ModelZoo.Build(
            ModuleScope.Root(engine, 5), model, new([new("in_channels", 3), new("width", 2), .. options.Select(o => KeyValuePair.Create(o.Key, (System.Text.Json.Nodes.JsonNode?)o.Value))]));
        WeightsFile.Save(network, path);
    }

    private static byte[] Words(params int[] words)
    {
        var bytes = new byte[4 * words.Length];
        for (int i = 0; i < words.Length; i++)
        {
            BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(4 * i), words[i]);
        }

        return bytes;
    }

    private string Weights(byte[] file) => TrainRefused("--weights", Folder.Write("w", file));

    private string Idx(byte[] images, byte[] labels)
    {
        Folder.Write("train-images-idx3-ubyte", images);
        Folder.Write("train-labels-idx1-ubyte", labels);
        Folder.Write("t10k-images-idx3-ubyte", Images);
        Folder.Write("t10k-labels-idx1-ubyte", Labels);
        return Refuse("fashion-mnist", "--data-dir", Folder.Root);
    }

    private string Refuse(string data, params string[] more) => RefusedWithoutTrace(["train", .. Small.Network, "--data", data, .. more, "--out", Out]);
}
