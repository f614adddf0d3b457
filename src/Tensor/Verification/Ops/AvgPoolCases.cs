
namespace SmartFrz.Tensors.Verification;

/// <summary>Average pooling with windows of a fixed size, and spread over the input: down, up, and to a single number.</summary>
internal sealed class AvgPoolCases : IOpCases
{
    /// <inheritdoc/>
    public IEnumerable<OpCase> Cases()
    {
        foreach (var (shape, kernel, stride, padding) in new[]
        {
            (new Shape(1, 2, 4, 4), 2, 2, 0), (new Shape(2, 1, 5, 37), 2, 2, 0), (new Shape(1, 2, 7, 19), 3, 2, 1),
            (new Shape(1, 1, 7, 11), 2, 3, 1), (new Shape(1, 1, 3, 5), 3, 1, 1),
        })
        {
            int p = ((shape[2] + (2 * padding) - kernel) / stride) + 1, q = ((shape[3] + (2 * padding) - kernel) / stride) + 1;
            yield return new OpCase
            {
                Name = $"avg_pool2d {shape} kernel {kernel} stride {stride} padding {padding}",
                Inputs = [shape],
                Apply = (_, x) => x[0].AvgPool2d(kernel, stride, padding),
                Reference = x => Average(
                    shape, x[0], p, q, o => Fixed(o, shape[2], kernel, stride, padding), o => Fixed(o, shape[3], kernel, stride, padding), _ => kernel * kernel),
            };
        }

        foreach (var (shape, p, q) in new[]
        {
            (new Shape(2, 3, 5, 7), 1, 1), (new Shape(1, 2, 41, 3), 1, 1), (new Shape(1, 2, 7, 20), 3, 4), (new Shape(2, 1, 3, 2), 5, 7),
            (new Shape(1, 2, 4, 6), 4, 6), (new Shape(1, 3, 1, 1), 1, 1), (new Shape(1, 1, 6, 9), 1, 3),
        })
        {
            yield return new OpCase
            {
                Name = $"adaptive_avg_pool2d {shape} to ({p},{q})",
                Inputs = [shape],
                Apply = (_, x) => p == 1 && q == 1 ? x[0].GlobalAvgPool2d() : x[0].AdaptiveAvgPool2d(p, q),
                Reference = x => Average(
                    shape, x[0], p, q, o => Spread(o, shape[2], p), o => Spread(o, shape[3], q), area => area),
            };
        }
    }

    private static (int Begin, int End) Spread(int o, int size, int outputs) =>
        ((int)Math.Floor((double)o * size / outputs), (int)Math.Ceiling((o + 1.0) * size / outputs));

    private static (int Begin, int End) Fixed(int o, int size, int kernel, int stride, int padding) =>
        (Math.Max(0, (o * stride) - padding), Math.Min(size, (o * stride) - padding + kernel));

    private static double[] Average(
        Shape shape, double[] x, int p, int q, Func<int, (int Begin, int End)> rows, Func<int, (int Begin, int End)> columns, Func<int, int> divisor)
    {
        int h = shape[2], w = shape[3], planes = shape[0] * shape[1];
        var y = new double[planes * p * q];
        for (int o = 0; o < y.Length; o++)
        {
            int plane = o / (p * q);
            var (top, bottom) = rows(o / q % p);
            var (left, right) = columns(o % q);
            for (int r = top; r < bottom; r++)
            {
                for (int c = left; c < right; c++)
                {
                    y[o] += x[(((plane * h) + r) * w) + c];
                }
            }

            y[o] /= divisor((bottom - top) * (right - left));
        }

        return y;
    }
}
