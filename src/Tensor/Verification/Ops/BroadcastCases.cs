
namespace SmartFrz.Tensors.Verification;

/// <summary>Functions of two operands, of equal shapes and of shapes that repeat.</summary>
internal sealed class BroadcastCases : IOpCases
{
    private static readonly (Shape A, Shape B)[] Shapes =
    [
        (new(3, 5), new(3, 5)),
        (new(3, 5), new(5)),
        (new(5), new(3, 5)),
        (new(2, 3, 4, 5), new(3, 1, 1)),
        (new(1, 3, 1, 1), new(2, 3, 1, 37)),
        (new(4, 1), new(1, 3)),
        (new(7, 3), new()),
    ];

    /// <inheritdoc/>
    public IEnumerable<OpCase> Cases()
    {
        foreach (var (a, b) in Shapes)
        {
            yield return Case("add", a, b, (x, y) => x.Add(y), (x, y) => x + y);
            yield return Case("sub", a, b, (x, y) => x.Sub(y), (x, y) => x - y);
            yield return Case("mul", a, b, (x, y) => x.Mul(y), (x, y) => x * y);
            yield return Case("div", a, b, (x, y) => x.Div(y), (x, y) => x / y);
            yield return Case("maximum", a, b, (x, y) => x.Maximum(y), Math.Max);
            yield return Case("minimum", a, b, (x, y) => x.Minimum(y), Math.Min);
        }

        yield return Case("mul", new(2, 1, 3, 1, 2, 1), new(1, 4, 1, 2, 1, 3), (x, y) => x.Mul(y), (x, y) => x * y);
        yield return Case("div", new(3, 1, 2, 1, 2), new(2, 1, 3, 1), (x, y) => x.Div(y), (x, y) => x / y);
        yield return Case("add", new(2, 3), new(1, 2, 3), (x, y) => x.Add(y), (x, y) => x + y);
        yield return Case("sub", new(2, 3), new(1, 2, 3), (x, y) => x.Sub(y), (x, y) => x - y);
        yield return Case("mul", new(5), new(1, 5), (x, y) => x.Mul(y), (x, y) => x * y);

        var s = new Shape(4, 3);
        yield return new OpCase
        {
            Name = "mul by itself",
            Inputs = [s],
            Apply = (_, x) => x[0].Mul(x[0]),
            Reference = x => [.. x[0].Select(v => v * v)],
        };
        yield return new OpCase
        {
            Name = "div by itself scaled",
            Inputs = [s],
            Apply = (_, x) => x[0].Square().Div(x[0].Scale(2f)),
            Reference = x => [.. x[0].Select(v => v / 2)],
            Sample = (_, u) => 1.25 + u,
        };
    }

    /// <summary>A function of two operands with broadcasting, in double precision.</summary>
    internal static double[] Broadcast(Shape a, Shape b, double[] x, double[] y, Func<double, double, double> f)
    {
        int rank = Math.Max(a.Rank, b.Rank);
        var extents = new int[rank];
        for (int i = 1; i <= rank; i++)
        {
            extents[^i] = Math.Max(i <= a.Rank ? a[-i] : 1, i <= b.Rank ? b[-i] : 1);
        }

        var result = new double[new Shape(extents).Count];
        for (int k = 0; k < result.Length; k++)
        {
            result[k] = f(x[At(a, k)], y[At(b, k)]);
        }

        return result;

        int At(Shape shape, int k)
        {
            int at = 0, stride = 1;
            for (int i = 1; i <= rank; i++)
            {
                int c = k % extents[^i];
                k /= extents[^i];
                if (i <= shape.Rank)
                {
                    at += shape[-i] == 1 ? 0 : c * stride;
                    stride *= shape[-i];
                }
            }

            return at;
        }
    }

    // The second operand keeps away from 0 and from the first one's values: 0 has no quotient, equal operands have no derivative.
    private static OpCase Case(string name, Shape a, Shape b, Func<Tensor, Tensor, Tensor> apply, Func<double, double, double> reference) => new()
    {
        Name = $"{name} {a} {b}",
        Inputs = [a, b],
        Apply = (_, x) => apply(x[0], x[1]),
        Reference = x => Broadcast(a, b, x[0], x[1], reference),
        Sample = (input, u) => input == 0 ? (Math.Round(u * 20) / 20) + 0.01 : (Math.Round(u * 20) / 20) + (u < 0 ? -0.525 : 0.525),
    };
}
