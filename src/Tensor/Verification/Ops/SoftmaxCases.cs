
namespace SmartFrz.Tensors.Verification;

/// <summary>Softmax and its logarithm along the last axis.</summary>
internal sealed class SoftmaxCases : IOpCases
{
    /// <inheritdoc/>
    public IEnumerable<OpCase> Cases()
    {
        foreach (var shape in new[] { new Shape(1), new Shape(10), new Shape(3, 7), new Shape(2, 3, 37), new Shape(2, 1, 2, 16) })
        {
            yield return Case("softmax", shape, x => x.Softmax(), 0, (x, log) => Math.Exp(x - log));
            yield return Case("log_softmax", shape, x => x.LogSoftmax(), 0, (x, log) => x - log);
        }

        // Far from 0, where the exponentials alone would overflow. Operands of that size are rounded to 2^-14.
        yield return Case("softmax far out", new Shape(3, 19), x => x.AddScalar(500f).Softmax(), 500, (x, log) => Math.Exp(x - log), 1e-4);
    }

    private static OpCase Case(
        string name, Shape shape, Func<Tensor, Tensor> apply, double offset, Func<double, double, double> result, double tolerance = 1e-5) => new()
    {
        Name = $"{name} {shape}",
        Inputs = [shape],
        Apply = (_, x) => apply(x[0]),
        Reference = x => [.. x[0].Chunk(shape[-1]).SelectMany(row =>
        {
            double log = offset + Math.Log(row.Sum(Math.Exp));
            return row.Select(v => result(v + offset, log));
        })],
        Sample = (_, u) => 4 * u,
        Tolerance = tolerance,
        GradTolerance = Math.Max(tolerance, 1e-4),
    };
}
