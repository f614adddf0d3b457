namespace SmartFrz.Tensors.Verification;

/// <summary>Layer normalisation: rows shorter and longer than a register, rows of one element, more rows than one piece.</summary>
internal sealed class LayerNormCases : IOpCases
{
    /// <inheritdoc/>
    public IEnumerable<OpCase> Cases()
    {
        foreach (var shape in new[] { new Shape(7), new Shape(3, 5), new Shape(2, 3, 37), new Shape(5, 1), new Shape(1, 64), new Shape(9, 19) })
        {
            yield return Case($"layer_norm {shape}", shape, 0);
        }

        yield return Case("layer_norm (131,6), three pieces of rows", new Shape(131, 6), 0, emulate: false);

        // Operands near 100 are rounded to 2^-18 of a deviation of about 0.6, which no later digit can mend: 2^-18 / 0.6 = 6e-6, and twice that
        // where two of them differ.
        yield return Case("layer_norm far out", new Shape(3, 33), 100, tolerance: 2e-5);
    }

    private static OpCase Case(string name, Shape shape, double offset, double tolerance = 1e-5, bool emulate = true) => new()
    {
        Name = name,
        Inputs = [shape, new Shape(shape[-1]), new Shape(shape[-1])],
        Apply = (_, x) => (offset == 0 ? x[0] : x[0].AddScalar((float)offset)).LayerNorm(x[1], x[2]),
        Reference = x => [.. x[0].Chunk(shape[-1]).SelectMany(row =>
        {
            double mean = row.Average(), rstd = 1 / Math.Sqrt(row.Average(v => (v - mean) * (v - mean)) + 1e-5f);
            return row.Select((v, i) => ((v - mean) * rstd * x[1][i]) + x[2][i]);
        })],
        Tolerance = tolerance,
        Emulate = emulate,
    };
}
