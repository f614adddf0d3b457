
namespace SmartFrz.Tensors.Verification;

/// <summary>Elementwise functions of one operand.</summary>
internal sealed class ElementwiseCases : IOpCases
{
    /// <inheritdoc/>
    public IEnumerable<OpCase> Cases()
    {
        foreach (var shape in new[] { new Shape(1), new Shape(3, 5), new Shape(2, 3, 5, 7) })
        {
            yield return Unary("relu", shape, x => x.Relu(), x => Math.Max(x, 0));
            yield return Unary("scale", shape, x => x.Scale(-2.5f), x => -2.5 * x);
            yield return Unary("exp", shape, x => x.Exp(), Math.Exp);
            yield return Unary("tanh", shape, x => x.Scale(2f).Tanh(), x => Math.Tanh(2 * x));
            yield return Unary("sigmoid", shape, x => x.Scale(3f).Sigmoid(), x => 1 / (1 + Math.Exp(-3 * x)));
            yield return Unary("gelu", shape, x => x.Scale(4f).Gelu(), x => 2 * x * (1 + Erf(4 * x / Math.Sqrt(2))));
            yield return Unary("gelu_tanh", shape, x => x.Scale(4f).GeluTanh(), x => 2 * x * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * ((4 * x) + (0.044715 * 64 * x * x * x)))));
            yield return Unary("abs", shape, x => x.Abs(), Math.Abs);
            yield return Unary("square", shape, x => x.Square(), x => x * x);
            yield return Unary("neg", shape, x => x.Neg(), x => -x);
            yield return Unary("add_scalar", shape, x => x.AddScalar(0.75f).Scale(2f), x => 2 * (x + 0.75));
            yield return Unary("relu6", shape, x => x.Scale(10f).Relu6(), x => Math.Clamp(10 * x, 0, 6));
            yield return Unary("silu", shape, x => x.Scale(5f).Silu(), x => 5 * x / (1 + Math.Exp(-5 * x)));
            yield return Unary("hardswish", shape, x => x.Scale(8f).Hardswish(), x => 8 * x * Math.Clamp((8 * x) + 3, 0, 6) / 6);
            yield return Unary("leaky_relu", shape, x => x.LeakyRelu(0.125f), x => x > 0 ? x : 0.125 * x);
            yield return Unary("clamp", shape, x => x.Clamp(-0.25f, 0.5f), x => Math.Clamp(x, -0.25, 0.5));
            yield return Positive("log", shape, x => x.Log(), Math.Log);
            yield return Positive("sqrt", shape, x => x.Sqrt(), Math.Sqrt);
            yield return Positive("rsqrt", shape, x => x.Rsqrt(), x => 1 / Math.Sqrt(x));
            yield return Positive("reciprocal", shape, x => x.Reciprocal(), x => 1 / x);
        }
    }

    private static OpCase Positive(string name, Shape shape, Func<Tensor, Tensor> apply, Func<double, double> reference) => new()
    {
        Name = $"{name} {shape}",
        Inputs = [shape],
        Apply = (_, x) => apply(x[0]),
        Reference = x => [.. x[0].Select(reference)],
        Sample = (_, u) => 1.25 + u,
    };

    // Operands keep away from 0, where ReLU and its like have a kink and finite differences mean nothing.
    private static OpCase Unary(string name, Shape shape, Func<Tensor, Tensor> apply, Func<double, double> reference) => new()
    {
        Name = $"{name} {shape}",
        Inputs = [shape],
        Apply = (_, x) => apply(x[0]),
        Reference = x => [.. x[0].Select(reference)],
        Sample = (_, u) => u + (Math.Sign(u) * 0.05),
    };

    // All terms have one sign, so that the sum is good to double precision.
    private static double Erf(double x)
    {
        double term = x, sum = x;
        for (int n = 1; Math.Abs(term) > 1e-18 * Math.Abs(sum); n++)
        {
            term *= 2 * x * x / ((2 * n) + 1);
            sum += term;
        }

        return 2 / Math.Sqrt(Math.PI) * Math.Exp(-x * x) * sum;
    }
}
