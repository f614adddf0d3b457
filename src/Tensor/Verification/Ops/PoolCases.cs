
namespace SmartFrz.Tensors.Verification;

/// <summary>Maximum pooling: windows that touch, overlap, leave gaps, and reach over the edge.</summary>
internal sealed class MaxPoolCases : IOpCases
{
    /// <inheritdoc/>
    public IEnumerable<OpCase> Cases()
    {
        yield return Case(new Shape(1, 2, 4, 4), 2, 2, 0);
        yield return Case(new Shape(2, 1, 5, 37), 2, 2, 0);
        yield return Case(new Shape(1, 2, 7, 19), 3, 2, 1);
        yield return Case(new Shape(1, 2, 5, 20), 3, 1, 1);
        yield return Case(new Shape(1, 1, 3, 18), 2, 1, 0);
        yield return Case(new Shape(1, 1, 7, 11), 2, 3, 1);
        yield return Case(new Shape(2, 3, 3, 3), 3, 3, 0);
        yield return Case(new Shape(1, 1, 1, 1), 1, 1, 0);
    }

    private static OpCase Case(Shape shape, int kernel, int stride, int padding)
    {
        return new OpCase
        {
            Name = $"max_pool2d {shape} kernel {kernel} stride {stride} padding {padding}",
            Inputs = [shape],
            Apply = (_, x) => x[0].MaxPool2d(kernel, stride, padding),
            Reference = x => Reference(shape, x[0], kernel, stride, padding),
        };
    }

    private static double[] Reference(Shape shape, double[] x, int kernel, int stride, int padding)
    {
        int h = shape[2], w = shape[3], planes = shape[0] * shape[1];
        int p = ((h + (2 * padding) - kernel) / stride) + 1, q = ((w + (2 * padding) - kernel) / stride) + 1;
        var y = new double[planes * p * q];
        for (int o = 0; o < y.Length; o++)
        {
            int plane = o / (p * q), top = (o / q % p * stride) - padding, left = (o % q * stride) - padding;
            y[o] = double.NegativeInfinity;
            for (int r = Math.Max(0, top); r < Math.Min(h, top + kernel); r++)
            {
                for (int c = Math.Max(0, left); c < Math.Min(w, left + kernel); c++)
                {
                    y[o] = Math.Max(y[o], x[(((plane * h) + r) * w) + c]);
                }
            }
        }

        return y;
    }
}
