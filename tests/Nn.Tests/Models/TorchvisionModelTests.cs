using System.Text.Json.Nodes;
using SmartFrz.Kernels;
using SmartFrz.Nn.Options;
using SmartFrz.Nn.Weights;
using SmartFrz.Tensors;

namespace SmartFrz.Nn.Tests;

/// <summary>The networks that torchvision has too: sizes, names and units, without memory for their weights.</summary>
public sealed class TorchvisionModelTests
{
    // Of torchvision's resnet18(), resnet34() and so on: the sum of the parameters' elements.
    [Theory]
    [InlineData("resnet18", "{}", 11_689_512, 10)]
    [InlineData("resnet34", "{}", 21_797_672, 18)]
    [InlineData("resnet50", "{}", 25_557_032, 18)]
    [InlineData("resnet18", """{"num_classes":10,"stem":"cifar"}""", 11_173_962, 10)]
    [InlineData("vgg11", "{}", 132_863_336, 11)]
    [InlineData("vgg11_bn", "{}", 132_868_840, 11)]
    [InlineData("vgg11_bn", """{"num_classes":10,"image_size":32}""", 9_231_114, 9)]
    [InlineData("mobilenet_v2", "{}", 3_504_872, 20)]
    [InlineData("mobilenet_v2", """{"num_classes":10,"stem":"cifar"}""", 2_236_682, 20)]
    [InlineData("mobilenet_v2", """{"width_mult":0.5}""", 1_968_680, 20)]
    public void Parameter_counts_are_those_of_torchvision(string name, string options, long parameters, int units)
    {
        Dry(name, options, network =>
        {
            Assert.Equal(name, network.Name);
            Assert.Equal(parameters, network.Parameters().Sum(p => p.Shape.Count));
            Assert.Equal(units, network.Units.Count);
            foreach (var granularity in new[] { UnitGranularity.Blocks, UnitGranularity.Layers })
            {
                network.UnitGranularity = granularity;
                Assert.All(network.Parameters(), p => Assert.Single(network.Units, u => u.Contains(p.Name)));
                Assert.Same(network.Units[^1], Assert.Single(network.Units, u => u.IsHead));
            }
        });
    }

    // Multiplications with additions of convolutions and products at 224 rows, as the papers' tables and torchvision's documentation give
    // them in billions: 1.81, 3.66, 4.09, 7.61.
    [Theory]
    [InlineData("resnet18", "{}", 1_814_073_344)]
    [InlineData("resnet34", "{}", 3_663_761_408)]
    [InlineData("resnet50", "{}", 4_089_184_256)]
    [InlineData("vgg11", "{}", 7_609_090_048)]
    [InlineData("mobilenet_v2", "{}", 300_774_272)]
    [InlineData("resnet18", """{"num_classes":10,"image_size":32}""", 555_422_720)]
    public void Work_is_that_of_the_papers(string name, string options, long multiplyAdds) =>
        Dry(name, options, network => Assert.Equal(multiplyAdds, ModelSummary.Of(network).Total.MultiplyAdds));

    [Fact]
    public void Names_are_those_of_torchvision()
    {
        string[] bn = ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"];
        string[] Conv(string conv, string norm) => [$"{conv}.weight", .. bn.Select(b => $"{norm}.{b}")];
        Dry("resnet50", """{"width":1}""", network =>
        {
            string[] keys = [.. StateDict.Read(network).Keys];
            Assert.Equal(
                [
                    .. Conv("conv1", "bn1"), .. Conv("layer1.0.conv1", "layer1.0.bn1"), .. Conv("layer1.0.conv2", "layer1.0.bn2"),
                    .. Conv("layer1.0.conv3", "layer1.0.bn3"), .. Conv("layer1.0.downsample.0", "layer1.0.downsample.1"),
                    .. Conv("layer1.1.conv1", "layer1.1.bn1"),
                ],
                keys[..36]);
            Assert.Equal(["fc.weight", "fc.bias"], keys[^2..]);
            Assert.Equal(320, keys.Length);
            Assert.Equal(["stem", "layer1.0", "layer1.1", "layer1.2", "layer2.0"], network.Units.Take(5).Select(u => u.Name));
        });
        Dry("mobilenet_v2", "{}", network =>
        {
            string[] keys = [.. StateDict.Read(network).Keys];
            Assert.Equal(
                [
                    .. Conv("features.0.0", "features.0.1"), .. Conv("features.1.conv.0.0", "features.1.conv.0.1"),
                    .. Conv("features.1.conv.1", "features.1.conv.2"), .. Conv("features.2.conv.0.0", "features.2.conv.0.1"),
                    .. Conv("features.2.conv.1.0", "features.2.conv.1.1"), .. Conv("features.2.conv.2", "features.2.conv.3"),
                ],
                keys[..36]);
            Assert.Equal([.. Conv("features.18.0", "features.18.1"), "classifier.1.weight", "classifier.1.bias"], keys[^8..]);
            Assert.Equal(314, keys.Length);
            Assert.Equal(["stem", .. Enumerable.Range(1, 18).Select(i => $"features.{i}"), "head"], network.Units.Select(u => u.Name));
        });
        Dry("vgg11", """{"width":1,"hidden":1}""", network =>
        {
            int[] features = [0, 3, 6, 8, 11, 13, 16, 18], dense = [0, 3, 6];
            string[] names = [.. features.Select(f => $"features.{f}"), .. dense.Select(c => $"classifier.{c}")];
            Assert.Equal([.. names.SelectMany(n => new[] { $"{n}.weight", $"{n}.bias" })], StateDict.Read(network).Keys);
            Assert.Equal([.. names[..^1], "head"], network.Units.Select(u => u.Name));
        });
        Dry("vgg11_bn", """{"width":1,"image_size":32}""", network =>
        {
            int[] features = [0, 4, 8, 11, 15, 18, 22, 25];
            Assert.Equal(
                [
                    .. features.SelectMany(f => new[] { $"features.{f}.weight", $"features.{f}.bias" }.Concat(bn.Select(b => $"features.{f + 1}.{b}"))),
                    "classifier.weight", "classifier.bias",
                ],
                StateDict.Read(network).Keys);
            Assert.Equal(["features.8", "features.9"], network.Units[2].Prefixes);
        });
    }

    [Fact]
    public void Small_images_get_the_form_for_them_unless_told_otherwise()
    {
        Assert.Equal((3, 7, 3, 7), (Kernel(32, ""), Kernel(65, ""), Kernel(65, "cifar"), Kernel(32, "imagenet")));
        Assert.Equal(32 * 32, Positions(""));
        Assert.Equal(16 * 16, Positions("imagenet"));

        static int Kernel(int size, string stem) => Of(size, stem, network => network.Parameters().First().Shape[2]);

        // Of the stem's output with one channel.
        static long Positions(string stem) => Of(32, stem, network => ModelSummary.Of(network).Layers[0].ActivationBytes / sizeof(float));

        static T Of<T>(int size, string stem, Func<Network, T> read)
        {
            T result = default!;
            Dry("resnet18", $$"""{"width":1,"image_size":{{size}}{{(stem.Length == 0 ? "" : $",\"stem\":\"{stem}\"")}}}""", network => result = read(network));
            return result;
        }
    }

    [Fact]
    public void Initial_values_are_those_of_torchvision()
    {
        using var test = new TestEngine();
        using var resnet = ModelTests.Build(test, "resnet18", """{"width":16,"image_size":32}""");
        using var vgg = ModelTests.Build(test, "vgg11", """{"width":8,"hidden":64,"image_size":32}""");
        AssertNormal(resnet, "layer3.0.conv1.weight", Math.Sqrt(2.0 / (9 * 64)));
        AssertNormal(vgg, "features.18.weight", Math.Sqrt(2.0 / (9 * 64)));
        AssertNormal(vgg, "classifier.0.weight", 0.01);
        Assert.All(vgg.Parameters().Where(p => p.Name.EndsWith("bias", StringComparison.Ordinal)), p => Assert.All(p.Value.ToArray(), v => Assert.Equal(0f, v)));
        float bound = 1 / MathF.Sqrt(128);
        Assert.All(resnet.Parameters().Single(p => p.Name == "fc.weight").Value.ToArray(), v => Assert.InRange(v, -bound, bound));
    }

    [Theory]
    [InlineData("resnet18", """{"stem":"big"}""", "option 'model.stem' is \"big\", expected one of imagenet, cifar")]
    [InlineData("resnet50", """{"width":0}""", "option 'model.width' is 0, expected at least 1")]
    [InlineData("vgg11", """{"image_size":28}""", "option 'model.image_size' is 28, expected at least 32")]
    [InlineData("mobilenet_v2", """{"width_mult":0}""", "option 'model.width_mult' is 0, expected a number above 0")]
    [InlineData("vgg11", """{"dropout":1}""", "option 'model.dropout' is 1, expected a number from 0 to below 1")]
    public void Wrong_options_say_what_was_meant(string name, string options, string message)
    {
        using var test = new TestEngine();
        Assert.Equal(message, Assert.Throws<OptionException>(() => ModelTests.Build(test, name, options)).Message);
        Assert.Equal(0, test.Engine.Context.Memory.Live);
    }

    private static void Dry(string name, string options, Action<Network> look)
    {
        using var device = new DryDevice();
        using var engine = new Engine(device);
        using var network = ModelZoo.Build(ModuleScope.Root(engine, 1), name, (JsonObject)JsonNode.Parse(options)!);
        look(network);
    }

    // Deviation within six standard errors of that many draws, and so the mean.
    private static void AssertNormal(Network network, string name, double deviation)
    {
        float[] values = network.Parameters().Single(p => p.Name == name).Value.ToArray();
        double error = 6 / Math.Sqrt(values.Length);
        Assert.Equal(0, values.Average(v => (double)v), error * deviation);
        Assert.Equal(deviation, Math.Sqrt(values.Average(v => (double)v * v)), error * deviation);
    }
}
