using SmartFrz.Kernels.Random;

namespace SmartFrz.Tensors.Verification;

/// <summary>Dropout: the zeros that the generator says, on every device, for several shares and steps.</summary>
internal sealed class DropoutCases : IOpCases
{
    /// <inheritdoc/>
    public IEnumerable<OpCase> Cases()
    {
        yield return Case(new Shape(1), 0.5f, 0);
        yield return Case(new Shape(3, 37), 0.5f, 1);
        yield return Case(new Shape(2, 3, 5, 7), 0.1f, 6_000_000_000);
        yield return Case(new Shape(61), 0f, 2);
    }

    private static OpCase Case(Shape shape, float probability, long step)
    {
        var key = Philox.Keyed(11, 5);
        return new OpCase
        {
            Name = FormattableString.Invariant($"dropout {shape} {probability} step {step}"),
            Inputs = [shape],
            Apply = (engine, x) => x[0].Dropout(probability, key, engine.FromHost<long>([step], new Shape(1))),
            Reference = x => [.. x[0].Select((v, i) => Word(key, i, step) / (double)(1 << 24) >= probability ? v / (1.0 - probability) : 0)],
        };
    }

    private static uint Word(Philox key, int i, long step)
    {
        var (a, b, c, d) = key.Block((ulong)i / 4, (ulong)step);
        return new[] { a, b, c, d }[i % 4] >> 8;
    }
}
