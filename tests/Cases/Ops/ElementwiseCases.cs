using SmartFrz.Tensors;

namespace SmartFrz.Cases;

/// <summary>Elementwise functions of one operand.</summary>
public sealed class ElementwiseCases : IOpCases
{
    /// <inheritdoc/>
    public IEnumerable<OpCase> Cases()
    {
        foreach (var shape in new[] { new Shape(1), new Shape(3, 5), new Shape(2, 3, 5, 7) })
        {
            yield return Unary("relu", shape, x => x.Relu(), x => Math.Max(x, 0));
            yield return Unary("scale", shape, x => x.Scale(-2.5f), x => -2.5 * x);
        }
    }

    // Operands keep away from 0, where ReLU and its like have a kink and finite differences mean nothing.
    private static OpCase Unary(string name, Shape shape, Func<Tensor, Tensor> apply, Func<double, double> reference) => new()
    {
        Name = $"{name} {shape}",
        Inputs = [shape],
        Apply = (_, x) => apply(x[0]),
        Reference = x => [.. x[0].Select(reference)],
        Sample = (_, u) => u + (Math.Sign(u) * 0.05),
    };
}
