using SmartFrz.Tensors;

namespace SmartFrz.Nn.Tests;

public sealed class InitialValueTests
{
    [Fact]
    public void They_depend_on_seed_and_name_alone()
    {
        using var test = new TestEngine();
        using var other = new TestEngine(threads: 1);
        using var first = ModelTests.Build(test, "resnet8", ModelTests.Small, seed: 5);
        using var second = ModelTests.Build(other, "resnet8", ModelTests.Small, seed: 5);
        using var third = ModelTests.Build(other, "resnet8", ModelTests.Small, seed: 6);
        using var lone = new Conv2d(ModuleScope.Root(other.Engine, 5).Child("layer1.0.conv2"), 4, 4, 3, new Conv2dOptions(1, 1), bias: false);

        Assert.Equal(Values(first), Values(second));
        Assert.NotEqual(Values(first), Values(third));
        Assert.Equal(first.Parameters().Single(p => p.Name == "layer1.0.conv2.weight").Value.ToArray(), lone.Weight.Value.ToArray());
    }

    [Fact]
    public void Weights_and_biases_are_uniform_within_the_root_of_the_fan_in()
    {
        using var test = new TestEngine();
        var root = ModuleScope.Root(test.Engine, 9);
        using var conv = new Conv2d(root.Child("conv"), 12, 600, 3, new Conv2dOptions(1, 1, 1, 2));
        using var linear = new Linear(root.Child("linear"), 54, 2000);

        AssertUniform(conv.Weight, 1 / Math.Sqrt(6 * 9));
        AssertUniform(conv.Bias!, 1 / Math.Sqrt(6 * 9));
        AssertUniform(linear.Weight, 1 / Math.Sqrt(54));
        AssertUniform(linear.Bias!, 1 / Math.Sqrt(54));
    }

    [Fact]
    public void Normalisation_begins_as_the_identity()
    {
        using var test = new TestEngine();
        using var bn = new BatchNorm2d(ModuleScope.Root(test.Engine, 1), 3);

        Assert.Equal([1f, 1f, 1f], bn.Weight.Value.ToArray());
        Assert.Equal([0f, 0f, 0f], bn.Bias.Value.ToArray());
        Assert.Equal([0f, 0f, 0f], bn.RunningMean.Value.ToArray());
        Assert.Equal([1f, 1f, 1f], bn.RunningVar.Value.ToArray());
        Assert.Equal(0, bn.BatchesTracked.Value);
    }

    private static float[] Values(Network network) => [.. network.Parameters().SelectMany(p => p.Value.ToArray())];

    // Mean 0 and deviation bound / sqrt(3), each within six standard errors of that many draws.
    private static void AssertUniform(Parameter parameter, double bound)
    {
        float[] values = parameter.Value.ToArray();
        double mean = values.Average(v => (double)v), deviation = Math.Sqrt(values.Average(v => (double)v * v));
        double error = 6 / Math.Sqrt(values.Length);
        Assert.All(values, v => Assert.InRange(v, -bound * 1.0000001, bound * 1.0000001));
        Assert.Equal(0, mean, error * bound);
        Assert.Equal(bound / Math.Sqrt(3), deviation, error * bound);
    }
}
