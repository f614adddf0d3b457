using SmartFrz.Kernels.Cpu;

namespace SmartFrz.Tensors.Tests;

/// <summary>Operands of products and convolutions that do not fit are named on both sides.</summary>
public sealed class ProductMessagesTests
{
    [Theory]
    [InlineData("3,4", "5,6", "MatMul: (3,4) has 4 columns, (5,6) has 5 rows, they must be equal")]
    [InlineData("2,3,4", "4,5", "MatMul: shapes (2,3,4) and (4,5) must have the same number of axes, at least 2")]
    [InlineData("2,3,4", "3,4,5", "MatMul: the leading axes of (2,3,4) and (3,4,5) differ")]
    [InlineData("4", "4", "MatMul: shapes (4) and (4) must have the same number of axes, at least 2")]
    public void Matrices(string a, string b, string expected) => Expect(expected, e => New(e, a).MatMul(New(e, b)));

    [Fact]
    public void Transposed_matrices() =>
        Expect("MatMul: (3,4) transposed has 3 columns, (5,6) transposed has 6 rows, they must be equal", e => New(e, "3,4").MatMul(New(e, "5,6"), true, true));

    [Theory]
    [InlineData("3,4", "7,5", null, "Linear: input (3,4) has 4 features, weight (7,5) expects 5")]
    [InlineData("3,5", "7,5,1", null, "Linear: weight (7,5,1) must have 2 axes, (out, in)")]
    [InlineData("3,5", "7,5", "5", "Linear: bias (5) does not fit weight (7,5), (7) is expected")]
    public void Linear_layers(string x, string weight, string? bias, string expected) =>
        Expect(expected, e => New(e, x).Linear(New(e, weight), bias is null ? null : New(e, bias)));

    [Theory]
    [InlineData("8,3,32,32", "64,16,3,3", 1, 1, "Conv2d: input (8,3,32,32) has 3 channels, weight (64,16,3,3) expects 16")]
    [InlineData("1,4,5,5", "4,1,3,3", 1, 2, "Conv2d: input (1,4,5,5) has 4 channels, weight (4,1,3,3) in 2 groups expects 2")]
    [InlineData("1,3,5,5", "4,1,3,3", 1, 2, "Conv2d: 3 input and 4 output channels do not divide into 2 groups (input (1,3,5,5), weight (4,1,3,3))")]
    [InlineData("1,3,2,5", "4,3,3,3", 1, 1, "Conv2d: the filter reaches over 3x3, the padded input has 2x5 (input (1,3,2,5), weight (4,3,3,3))")]
    [InlineData("3,5,5", "4,3,3,3", 1, 1, "Conv2d: input (3,5,5) and weight (4,3,3,3) must both have 4 axes, (N,C,H,W) and (K,C/groups,R,S)")]
    [InlineData("1,3,5,5", "4,3,3,3", 0, 1, "Conv2d: stride 0x0 and dilation 1x1 must be at least 1, padding 0x0 at least 0 (input (1,3,5,5), weight (4,3,3,3))")]
    public void Convolutions(string x, string weight, int stride, int groups, string expected) =>
        Expect(expected, e => New(e, x).Conv2d(New(e, weight), null, new Conv2dOptions(stride, groups: groups)));

    [Fact]
    public void A_bias_of_another_size() =>
        Expect("Conv2d: bias (3) does not fit weight (4,3,3,3), (4) is expected", e => New(e, "1,3,5,5").Conv2d(New(e, "4,3,3,3"), New(e, "3")));

    private static void Expect(string message, Func<Engine, Tensor> operation)
    {
        using var device = new CpuDevice(1);
        using var engine = new Engine(device);
        using var step = engine.BeginStep();
        Assert.Equal(message, Assert.Throws<ShapeException>(() => operation(engine)).Message);
    }

    private static Tensor New(Engine engine, string extents) => engine.NewTensor(new Shape([.. extents.Split(',').Select(int.Parse)]));
}
