
namespace SmartFrz.Tensors.Verification;

/// <summary>Linear layers, with and without bias.</summary>
internal sealed class LinearCases : IOpCases
{
    /// <inheritdoc/>
    public IEnumerable<OpCase> Cases()
    {
        yield return Linear(new Shape(3, 5), 7, bias: true);
        yield return Linear(new Shape(1, 3), 2, bias: true);
        yield return Linear(new Shape(1, 1), 1, bias: false);
        yield return Linear(new Shape(2, 3, 5), 4, bias: true);
        yield return Linear(new Shape(2, 2, 3, 3), 2, bias: false);
        yield return Linear(new Shape(11), 3, bias: true);

        // More rows than one chain of the bias gradient's additions, more columns than one tile.
        yield return Linear(new Shape(71, 3), 18, bias: true);
        yield return Linear(new Shape(1031, 2), 5, bias: true, emulate: false);
    }

    private static OpCase Linear(Shape x, int outputs, bool bias, bool emulate = true)
    {
        int inputs = x[-1];
        Shape weight = new(outputs, inputs);
        return new OpCase
        {
            Name = $"linear {x} {weight}{(bias ? " bias" : "")}",
            Inputs = bias ? [x, weight, new Shape(outputs)] : [x, weight],
            Apply = (_, t) => t[0].Linear(t[1], bias ? t[2] : null),
            Reference = t => Reference(t[0], t[1], bias ? t[2] : new double[outputs], inputs, outputs),
            Emulate = emulate,
        };
    }

    private static double[] Reference(double[] x, double[] w, double[] b, int inputs, int outputs)
    {
        var y = new double[x.Length / inputs * outputs];
        for (int row = 0; row < x.Length / inputs; row++)
        {
            for (int o = 0; o < outputs; o++)
            {
                double sum = b[o];
                for (int i = 0; i < inputs; i++)
                {
                    sum += x[(row * inputs) + i] * w[(o * inputs) + i];
                }

                y[(row * outputs) + o] = sum;
            }
        }

        return y;
    }
}
