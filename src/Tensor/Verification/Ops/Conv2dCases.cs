using SmartFrz.Kernels;

namespace SmartFrz.Tensors.Verification;

/// <summary>Convolutions: odd sizes, strides, paddings, dilations, groups, depthwise, 1x1, filters larger than the input.</summary>
internal sealed class Conv2dCases : IOpCases
{
    /// <inheritdoc/>
    public IEnumerable<OpCase> Cases()
    {
        yield return Conv(new Shape(2, 3, 5, 7), new Shape(4, 3, 3, 3), new(padding: 1), bias: true);
        yield return Conv(new Shape(1, 1, 1, 1), new Shape(1, 1, 1, 1), new(), bias: true);
        yield return Conv(new Shape(1, 2, 5, 4), new Shape(3, 2, 3, 2), new(), bias: false);
        yield return Conv(new Shape(3, 5, 3, 3), new Shape(7, 5, 1, 1), new(), bias: true);
        yield return Conv(new Shape(2, 2, 7, 8), new Shape(3, 2, 3, 3), new(stride: 2, padding: 1), bias: true);
        yield return Conv(new Shape(1, 3, 8, 7), new Shape(2, 3, 1, 1), new(stride: 2), bias: false);
        yield return Conv(new Shape(1, 2, 11, 9), new Shape(2, 2, 2, 3), new(stride: 3, padding: 2), bias: false);
        yield return Conv(new Shape(2, 2, 6, 9), new Shape(2, 2, 3, 5), new((2, 1), (0, 2), (1, 1), 1), bias: false);
        yield return Conv(new Shape(1, 2, 9, 8), new Shape(3, 2, 3, 3), new(padding: 2, dilation: 2), bias: true);
        yield return Conv(new Shape(1, 1, 9, 7), new Shape(2, 1, 2, 3), new((2, 3), (3, 1), (3, 2), 1), bias: false);
        yield return Conv(new Shape(1, 2, 2, 3), new Shape(2, 2, 5, 5), new(padding: 2), bias: true);
        yield return Conv(new Shape(1, 2, 7, 7), new Shape(2, 2, 7, 7), new(), bias: false);

        // Groups: narrow ones (direct kernels), wide ones (tiles), depthwise with one and with two filters to a channel.
        yield return Conv(new Shape(2, 4, 5, 5), new Shape(6, 2, 3, 3), new(padding: 1, groups: 2), bias: true);
        yield return Conv(new Shape(1, 18, 3, 2), new Shape(18, 9, 1, 2), new(groups: 2), bias: false);
        yield return Conv(new Shape(2, 5, 6, 5), new Shape(5, 1, 3, 3), new(padding: 1, groups: 5), bias: true);
        yield return Conv(new Shape(1, 3, 7, 7), new Shape(6, 1, 3, 3), new(stride: 2, padding: 1, groups: 3), bias: false);
        yield return Conv(new Shape(2, 19, 6, 5), new Shape(19, 1, 3, 3), new(padding: 1, groups: 19), bias: true);
        yield return Conv(new Shape(2, 17, 7, 9), new Shape(17, 1, 3, 3), new(stride: 2, padding: 1, groups: 17), bias: false);
        yield return Conv(new Shape(3, 9, 2, 3), new Shape(9, 1, 3, 2), new(stride: 3, padding: 2, groups: 9), bias: true);
        yield return Conv(new Shape(1, 8, 9, 8), new Shape(8, 1, 2, 5), new((1, 3), (0, 3), (3, 1), 8), bias: false);
        yield return Conv(new Shape(1, 16, 8, 4), new Shape(16, 1, 1, 1), new(stride: 2, groups: 16), bias: true);

        // Widths and channel counts around the vector widths, for the CPU's direct kernels.
        yield return Conv(new Shape(1, 3, 4, 16), new Shape(5, 3, 3, 3), new(padding: 1), bias: true, emulate: false);
        yield return Conv(new Shape(1, 9, 3, 9), new Shape(17, 9, 3, 3), new(padding: 1), bias: true, emulate: false);
    }

    private static OpCase Conv(Shape x, Shape weight, Conv2dOptions options, bool bias, bool emulate = true)
    {
        var sizes = new Conv2dShape(
            x[0], x[1], x[2], x[3], weight[0], weight[2], weight[3],
            options.Stride.H, options.Stride.W, options.Padding.H, options.Padding.W, options.Dilation.H, options.Dilation.W, options.Groups);
        return new OpCase
        {
            Name = $"conv2d {x} {weight}{Pair(" s", options.Stride, 1)}{Pair(" p", options.Padding, 0)}{Pair(" d", options.Dilation, 1)}{(options.Groups == 1 ? "" : $" g{options.Groups}")}{(bias ? " bias" : "")}",
            Inputs = bias ? [x, weight, new Shape(weight[0])] : [x, weight],
            Apply = (_, t) => t[0].Conv2d(t[1], bias ? t[2] : null, options),
            Reference = t => Reference(sizes, t[0], t[1], bias ? t[2] : new double[weight[0]]),
            Emulate = emulate,
        };
    }

    private static string Pair(string name, (int H, int W) pair, int usual) =>
        pair == (usual, usual) ? "" : pair.H == pair.W ? $"{name}{pair.H}" : $"{name}{pair.H}x{pair.W}";

    internal static double[] Reference(Conv2dShape s, double[] x, double[] weight, double[] bias)
    {
        int groupC = s.C / s.Groups, groupK = s.K / s.Groups;
        var y = new double[s.OutputCount];
        int at = 0;
        for (int n = 0; n < s.N; n++)
        {
            for (int k = 0; k < s.K; k++)
            {
                for (int p = 0; p < s.P; p++)
                {
                    for (int q = 0; q < s.Q; q++)
                    {
                        double sum = bias[k];
                        for (int c = 0; c < groupC; c++)
                        {
                            int plane = ((n * s.C) + (k / groupK * groupC) + c) * s.H * s.W;
                            int filter = ((k * groupC) + c) * s.R * s.S;
                            for (int r = 0; r < s.R; r++)
                            {
                                int h = (p * s.StrideH) - s.PadH + (r * s.DilationH);
                                for (int t = 0; t < s.S && h >= 0 && h < s.H; t++)
                                {
                                    int w = (q * s.StrideW) - s.PadW + (t * s.DilationW);
                                    sum += w >= 0 && w < s.W ? x[plane + (h * s.W) + w] * weight[filter + (r * s.S) + t] : 0;
                                }
                            }
                        }

                        y[at++] = sum;
                    }
                }
            }
        }

        return y;
    }
}
