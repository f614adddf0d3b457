using SmartFrz.Tensors;

namespace SmartFrz.Cases;

/// <summary>Max pooling: overlapping windows, padding, odd sizes, ties.</summary>
public sealed class MaxPool2dCases : IOpCases
{
    /// <inheritdoc/>
    public IEnumerable<OpCase> Cases()
    {
        foreach (var (n, c, h, w, k, s, p) in new[] { (1, 1, 2, 2, 2, 2, 0), (2, 3, 7, 5, 2, 2, 0), (1, 2, 7, 9, 3, 2, 1), (2, 1, 5, 5, 3, 1, 1), (1, 1, 8, 6, 2, 3, 1) })
        {
            yield return new OpCase
            {
                Name = $"max pool ({n},{c},{h},{w}) kernel {k} stride {s} padding {p}",
                Inputs = [new Shape(n, c, h, w)],
                Apply = (_, x) => x[0].MaxPool2d(k, s, p),
                Reference = x => Reference(x[0], n * c, h, w, k, s, p),
            };
        }
    }

    private static double[] Reference(double[] x, int planes, int h, int w, int kernel, int stride, int pad)
    {
        int rows = ((h + (2 * pad) - kernel) / stride) + 1, columns = ((w + (2 * pad) - kernel) / stride) + 1;
        var y = new double[planes * rows * columns];
        for (int o = 0; o < y.Length; o++)
        {
            int q = o % columns, p = o / columns % rows, plane = o / columns / rows;
            double largest = double.NegativeInfinity;
            for (int i = 0; i < kernel; i++)
            {
                for (int j = 0; j < kernel; j++)
                {
                    int row = (p * stride) - pad + i, column = (q * stride) - pad + j;
                    if (row >= 0 && row < h && column >= 0 && column < w)
                    {
                        largest = Math.Max(largest, x[(((plane * h) + row) * w) + column]);
                    }
                }
            }

            y[o] = largest;
        }

        return y;
    }
}
