using System.Text.Json.Nodes;
using SmartFrz.Nn.Options;
using SmartFrz.Nn.Weights;
using SmartFrz.Tensors;

namespace SmartFrz.Nn.Tests;

public sealed class ModelTests
{
    // A residual network that a step takes milliseconds of.
    internal const string Small = """{"width":4,"in_channels":2,"num_classes":3,"image_size":8}""";

    [Theory]
    [InlineData("cnn", "{}", 105_866)]
    [InlineData("cnn", """{"num_classes":4,"in_channels":3,"image_size":8,"width":2,"hidden":5}""", (2 * 27) + 2 + (4 * 18) + 4 + (5 * 16) + 5 + (4 * 5) + 4)]
    [InlineData("resnet8", """{"in_channels":1,"shortcut":"b"}""", 77_754)]
    [InlineData("resnet20", "{}", 269_722)]
    [InlineData("resnet32", "{}", 464_154)]
    [InlineData("resnet44", "{}", 658_586)]
    [InlineData("resnet56", "{}", 853_018)]
    public void Parameter_counts(string name, string options, long parameters)
    {
        using var test = new TestEngine();
        using var network = Build(test, name, options);

        Assert.Equal(name, network.Name);
        Assert.Equal(parameters, network.Parameters().Sum(p => p.Shape.Count));
    }

    [Theory]
    [InlineData("cnn", "{}")]
    [InlineData("resnet8", """{"width":4,"num_classes":7}""")]
    [InlineData("resnet8", """{"width":4,"num_classes":7,"shortcut":"b"}""")]
    [InlineData("resnet8", """{"width":5,"image_size":9}""")]
    public void Logits_have_a_row_for_each_image(string name, string options)
    {
        using var test = new TestEngine();
        using var network = Build(test, name, options);
        foreach (bool training in new[] { true, false })
        {
            network.SetTraining(training);
            using (test.Engine.BeginStep())
            {
                Assert.Equal(new Shape(3, network.NumClasses), network.Call(Images(network, 3)).Shape);
            }
        }
    }

    [Fact]
    public void Names_are_those_of_pytorch()
    {
        using var test = new TestEngine();
        using var plain = Build(test, "resnet8", Small);
        using var projected = Build(test, "resnet8", """{"width":4,"shortcut":"b"}""");
        string[] bn = ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"];
        string[] Block(string name) =>
            [$"{name}.conv1.weight", .. bn.Select(b => $"{name}.bn1.{b}"), $"{name}.conv2.weight", .. bn.Select(b => $"{name}.bn2.{b}")];
        string[] Downsample(string name) => [$"{name}.downsample.0.weight", .. bn.Select(b => $"{name}.downsample.1.{b}")];
        string[] stem = ["conv1.weight", .. bn.Select(b => $"bn1.{b}")], head = ["linear.weight", "linear.bias"];

        Assert.Equal([.. stem, .. Block("layer1.0"), .. Block("layer2.0"), .. Block("layer3.0"), .. head], StateDict.Read(plain).Keys);
        Assert.Equal(
            [.. stem, .. Block("layer1.0"), .. Block("layer2.0"), .. Downsample("layer2.0"), .. Block("layer3.0"), .. Downsample("layer3.0"), .. head],
            StateDict.Read(projected).Keys);
        Assert.Equal("I64 ()", StateDict.Read(plain)["bn1.num_batches_tracked"].ToString());
    }

    [Fact]
    public void Units_are_stem_blocks_and_head_or_single_layers()
    {
        using var test = new TestEngine();
        using var network = Build(test, "resnet8", """{"width":4,"shortcut":"b"}""");

        Assert.Equal(["stem", "layer1.0", "layer2.0", "layer3.0", "head"], network.Units.Select(u => u.Name));
        AssertCover(network);

        network.UnitGranularity = UnitGranularity.Layers;
        Assert.Equal(
            [
                "conv1", "layer1.0.conv1", "layer1.0.conv2", "layer2.0.conv1", "layer2.0.conv2", "layer2.0.downsample.0",
                "layer3.0.conv1", "layer3.0.conv2", "layer3.0.downsample.0", "linear",
            ],
            network.Units.Select(u => u.Name));
        Assert.Equal(["layer2.0.conv2", "layer2.0.bn2"], network.Units[4].Prefixes);
        AssertCover(network);

        using var cnn = Build(test, "cnn", "{}");
        Assert.Equal(["conv1", "conv2", "fc1", "fc2"], cnn.Units.Select(u => u.Name));
        AssertCover(cnn);
    }

    [Fact]
    public void Models_are_found_by_name()
    {
        Assert.Superset(new HashSet<string> { "cnn", "resnet8", "resnet20", "resnet32", "resnet44", "resnet56" }, ModelZoo.All().Keys.ToHashSet());
        Assert.All(ModelZoo.All().Values, family => Assert.NotEmpty(family.Description));
        Assert.Equal(["num_classes", "in_channels", "image_size", "width", "shortcut"], ModelZoo.OptionsOf("resnet20"));
    }

    [Theory]
    [InlineData("resnet21", "{}", "unknown model 'resnet21', did you mean 'resnet20'?; known: ")]
    [InlineData("resnet8", """{"widht":8}""", "unknown option 'model.widht', did you mean 'width'?")]
    [InlineData("resnet8", """{"shortcut":"c"}""", "option 'model.shortcut' is \"c\", expected one of a, b")]
    [InlineData("resnet8", """{"width":0}""", "option 'model.width' is 0, expected at least 1")]
    [InlineData("cnn", """{"image_size":30}""", "option 'model.image_size' is 30, cnn expects a positive multiple of 4")]
    [InlineData("cnn", """{"num_classes":0}""", "option 'model.num_classes' is 0, expected at least 1")]
    public void Wrong_names_and_options_say_what_was_meant(string name, string options, string message)
    {
        using var test = new TestEngine();

        Assert.StartsWith(message, Assert.Throws<OptionException>(() => Build(test, name, options)).Message, StringComparison.Ordinal);
        Assert.Equal(0, test.Engine.Context.Memory.Live);
    }

    [Theory]
    [InlineData("cnn", """{"image_size":8,"width":3,"hidden":6}""")]
    [InlineData("resnet8", Small)]
    [InlineData("resnet8", """{"width":4,"in_channels":2,"num_classes":3,"image_size":8,"shortcut":"b"}""")]
    [InlineData("resnet18", """{"width":4,"in_channels":2,"num_classes":3,"image_size":16}""")]
    [InlineData("resnet50", """{"width":2,"in_channels":2,"num_classes":3,"image_size":17,"stem":"imagenet"}""")]
    [InlineData("vgg11_bn", """{"width":4,"in_channels":2,"num_classes":3,"image_size":35}""")]
    [InlineData("mobilenet_v2", """{"width_mult":0.1,"in_channels":2,"num_classes":3,"image_size":32,"dropout":0}""")]
    public void Every_parameter_gets_the_gradient_of_the_loss(string name, string options)
    {
        using var test = new TestEngine();
        using var network = Build(test, name, options);
        network.Engine.Context.PoisonReleasedMemory = true;
        var gradients = Gradients(network, 6);

        Assert.Equal(network.Parameters().Select(p => p.Name), gradients.Keys);
        Assert.All(gradients, g => Assert.Contains(g.Value, v => v != 0));
        Assert.Equal(network.Engine.Context.Dispatched, network.Engine.Context.Launches.Total.Launches);

        // Along the gradient the loss must change by the gradient's length: a central difference over a step small enough for the
        // curvature and large enough for single precision (1e-7 of a loss of about 1 over a change of 1e-2).
        double length = Math.Sqrt(gradients.Values.Sum(g => g.Sum(v => (double)v * v)));
        double step = 1e-2 / length;
        double up = LossAt(network, gradients, step / length), down = LossAt(network, gradients, -step / length);
        Assert.Equal(length, (up - down) / (2 * step), 0.03 * length);
    }

    internal static Network Build(TestEngine test, string name, string options, ulong seed = 1) =>
        ModelZoo.Build(ModuleScope.Root(test.Engine, seed), name, (JsonObject)JsonNode.Parse(options)!);

    internal static Tensor Images(Network network, int count)
    {
        int[] extents = [count, .. network.InputShape.ToArray()];
        var shape = new Shape(extents);
        return network.Engine.FromHost<float>(TestEngine.Uniform(shape.Count, 7), shape);
    }

    /// <summary>The gradients of one training step on fixed images, by parameter; the gradients are cleared.</summary>
    internal static Dictionary<string, float[]> Gradients(Network network, int count)
    {
        using (network.Engine.BeginStep())
        {
            network.Engine.Backward(Loss(network, count));
        }

        var gradients = new Dictionary<string, float[]>(StringComparer.Ordinal);
        foreach (var parameter in network.Parameters().Where(p => p.Variable.HasGradient))
        {
            var values = new float[parameter.Shape.Count];
            network.Engine.Context.Download<float>(parameter.Variable.Gradient, values);
            gradients.Add(parameter.Name, values);
            parameter.Variable.ClearGradient();
        }

        return gradients;
    }

    internal static Tensor Loss(Network network, int count)
    {
        int[] labels = [.. Enumerable.Range(0, count).Select(i => i % network.NumClasses)];
        return network.Call(Images(network, count)).CrossEntropy(network.Engine.FromHost<int>(labels, new Shape(count)));
    }

    private static double LossAt(Network network, Dictionary<string, float[]> direction, double step)
    {
        var before = network.Parameters().ToDictionary(p => p, p => p.Value.ToArray());
        foreach (var (parameter, values) in before)
        {
            parameter.Value.CopyFrom([.. values.Zip(direction[parameter.Name], (w, d) => (float)(w + (step * d)))]);
        }

        double loss;
        using (network.Engine.NoGrad())
        using (network.Engine.BeginStep())
        {
            loss = Loss(network, 6).Item();
        }

        foreach (var (parameter, values) in before)
        {
            parameter.Value.CopyFrom(values);
        }

        return loss;
    }

    // Every parameter is in exactly one unit, and the last unit is the only head.
    private static void AssertCover(Network network)
    {
        Assert.All(network.Parameters(), p => Assert.Single(network.Units, u => u.Contains(p.Name)));
        Assert.Same(network.Units[^1], Assert.Single(network.Units, u => u.IsHead));
    }
}
