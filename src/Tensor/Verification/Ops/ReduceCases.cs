
namespace SmartFrz.Tensors.Verification;

/// <summary>Sums, means, maxima and what is made of them.</summary>
internal sealed class ReduceCases : IOpCases
{
    private static readonly (Shape Shape, int[] Axes)[] Geometries =
    [
        (new(1), []),
        (new(67), []),
        (new(5, 37), [1]),
        (new(5, 37), [0]),
        (new(2, 3, 5, 7), []),
        (new(2, 3, 5, 7), [0, 2, 3]),
        (new(2, 3, 5, 7), [1]),
        (new(3, 2, 5), [-2]),
        (new(2, 3, 2, 3, 2, 3), [0, 2, 4]),
        (new(2, 3, 2, 3, 2, 3), [1, 3, -1]),
    ];

    /// <inheritdoc/>
    public IEnumerable<OpCase> Cases()
    {
        foreach (var (shape, axes) in Geometries)
        {
            bool keep = shape.Rank % 2 == 0;
            yield return Case("sum", shape, axes, x => x.Sum(axes, keep), v => v.Sum());
            yield return Case("mean", shape, axes, x => x.Mean(axes, keep), v => v.Average());
            yield return Case("sum_squares", shape, axes, x => x.SumSquares(axes, keep), v => v.Sum(e => e * e));
            yield return Case("max", shape, axes, x => x.Max(axes, keep), v => v.Max());
        }

        foreach (var (shape, axes) in Geometries[2..6])
        {
            yield return Case("norm", shape, axes, x => x.Norm(axes), v => Math.Sqrt(v.Sum(e => e * e)));
            yield return Case("variance", shape, axes, x => x.Variance(axes, correction: 1), v =>
            {
                double mean = v.Average();
                return v.Sum(e => (e - mean) * (e - mean)) / (v.Count - 1);
            });
        }
    }

    /// <summary>A reduction in double precision; no axes means all.</summary>
    internal static double[] Reduce(Shape shape, int[] axes, double[] x, Func<IReadOnlyList<double>, double> f)
    {
        var reduced = Enumerable.Range(0, shape.Rank).Where(i => axes.Length == 0 || axes.Contains(i) || axes.Contains(i - shape.Rank)).ToHashSet();
        var cells = new SortedDictionary<int, List<double>>();
        for (int k = 0; k < x.Length; k++)
        {
            int rest = k, cell = 0, stride = 1;
            for (int i = shape.Rank - 1; i >= 0; i--)
            {
                int c = rest % shape[i];
                rest /= shape[i];
                if (!reduced.Contains(i))
                {
                    cell += c * stride;
                    stride *= shape[i];
                }
            }

            if (!cells.TryGetValue(cell, out var list))
            {
                cells.Add(cell, list = []);
            }

            list.Add(x[k]);
        }

        return [.. cells.Values.Select(f)];
    }

    private static OpCase Case(string name, Shape shape, int[] axes, Func<Tensor, Tensor> apply, Func<IReadOnlyList<double>, double> reference) => new()
    {
        Name = $"{name} {shape} over [{string.Join(',', axes)}]",
        Inputs = [shape],
        Apply = (_, x) => apply(x[0]),
        Reference = x => Reduce(shape, axes, x[0], reference),
    };
}
