
namespace SmartFrz.Tensors.Verification;

/// <summary>Operations that move elements and compute nothing.</summary>
internal sealed class ShapeCases : IOpCases
{
    /// <inheritdoc/>
    public IEnumerable<OpCase> Cases()
    {
        foreach (var (shape, order) in new (Shape, int[])[]
        {
            (new(5, 7), [1, 0]),
            (new(33, 17), [1, 0]),
            (new(2, 3, 5, 7), [0, 2, 3, 1]),
            (new(2, 3, 5, 7), [0, 2, 1, 3]),
            (new(2, 3, 5, 7), [3, 1, -2, 0]),
            (new(2, 3, 1, 2, 3, 2), [5, 0, 4, 1, 3, 2]),
            (new(3, 4), [0, 1]),
            (new(1), [0]),
        })
        {
            yield return Moved($"permute {shape} to ({string.Join(',', order)})", [shape], x => x[0].Permute(order), x => Permute(shape, order, x[0]));
        }

        yield return Moved("transpose (2,3,5)", [new(2, 3, 5)], x => x[0].Transpose(), x => Permute(new(2, 3, 5), [0, 2, 1], x[0]));

        foreach (var (shape, ranges) in new (Shape, AxisRange[])[]
        {
            (new(7), [new(2, 3)]),
            (new(2, 3, 5, 7), [new(0, 2), new(0, 3), new(0, 3, 2), new(0, 4, 2)]),
            (new(2, 3, 5, 7), [new(1, 1), new(1, 2), new(0, 5), new(0, 7)]),
            (new(4, 37), [new(1, 2, 2), new(3, 17, 2)]),
            (new(2, 2, 2, 2, 2, 3), [new(0, 1), new(1, 1), new(0, 2), new(0, 1), new(0, 2), new(1, 2)]),
        })
        {
            yield return Moved($"slice {shape} [{string.Join(' ', ranges)}]", [shape], x => x[0].Slice(ranges), x => Slice(shape, ranges, x[0]));
        }

        yield return Moved("slice one axis", [new(3, 4)], x => x[0].Slice(-1, 1, 2), x => Slice(new(3, 4), [new(0, 3), new(1, 2)], x[0]));
        yield return new OpCase
        {
            Name = "overlapping slices add their gradients",
            Inputs = [new(9)],
            Apply = (_, x) =>
            {
                var y = x[0].Scale(2f);
                return y.Slice(0, 0, 5).Add(y.Slice(0, 4, 5)).Add(y.Slice(0, 0, 5, 2));
            },
            Reference = x => [.. Enumerable.Range(0, 5).Select(i => 2 * (x[0][i] + x[0][i + 4] + x[0][2 * i]))],
        };
        foreach (var (shape, axis, before, after) in new[] { (new Shape(5), 0, 1, 2), (new Shape(2, 3, 2, 5), 1, 2, 3), (new Shape(3, 4), -1, 0, 1) })
        {
            var large = shape.With(axis, shape[axis] + before + after);
            yield return Moved($"pad {shape} axis {axis} by {before} and {after}", [shape], x => x[0].Pad(axis, before, after), x =>
            {
                var ranges = Enumerable.Range(0, shape.Rank).Select(i => new AxisRange(i == (axis + shape.Rank) % shape.Rank ? before : 0, shape[i])).ToArray();
                var places = Slice(large, ranges, [.. Enumerable.Range(0, (int)large.Count).Select(i => (double)i)]);
                var y = new double[large.Count];
                for (int i = 0; i < places.Length; i++)
                {
                    y[(int)places[i]] = x[0][i];
                }

                return y;
            });
        }

        yield return Moved("concat (2,3) (2,1) (2,4)", [new(2, 3), new(2, 1), new(2, 4)], x => Tensor.Concat(1, x), x => Concat([3, 1, 4], 2, x));
        yield return Moved("concat (2,5) (3,5)", [new(2, 5), new(3, 5)], x => Tensor.Concat(0, x), x => [.. x[0], .. x[1]]);
        yield return Moved("concat (2,2,3,3) (2,1,3,3)", [new(2, 2, 3, 3), new(2, 1, 3, 3)], x => Tensor.Concat(-3, x), x => Concat([18, 9], 2, x));
        yield return Moved("concat of itself", [new(3, 2)], x => Tensor.Concat(1, x[0], x[0]), x => Concat([2, 2], 3, [x[0], x[0]]));

        foreach (var (from, to) in new (Shape, Shape)[] { (new(5), new(3, 5)), (new(2, 1, 3), new(2, 4, 3)), (new(3, 1), new(2, 3, 17)), (new(), new(7)) })
        {
            yield return Moved($"expand {from} to {to}", [from], x => x[0].Expand(to), x => BroadcastCases.Broadcast(from, to, x[0], new double[to.Count], (v, _) => v));
        }
    }

    private static OpCase Moved(string name, Shape[] shapes, Func<Tensor[], Tensor> apply, Func<double[][], double[]> reference) => new()
    {
        Name = name,
        Inputs = shapes,
        Apply = (_, x) => apply(x),
        Reference = reference,
        Tolerance = 1e-7, // the operands themselves, rounded to floats by nobody
    };

    private static double[] Permute(Shape shape, int[] order, double[] x)
    {
        var y = new double[x.Length];
        for (int k = 0; k < y.Length; k++)
        {
            // The coordinates in y, innermost first, name those in x.
            int rest = k;
            var c = new int[shape.Rank];
            for (int i = shape.Rank - 1; i >= 0; i--)
            {
                c[(order[i] + shape.Rank) % shape.Rank] = rest % shape[order[i]];
                rest /= shape[order[i]];
            }

            y[k] = x[Enumerable.Range(0, shape.Rank).Aggregate(0, (at, i) => (at * shape[i]) + c[i])];
        }

        return y;
    }

    private static double[] Slice(Shape shape, AxisRange[] ranges, double[] x)
    {
        var y = new double[ranges.Aggregate(1, (n, r) => n * r.Length)];
        for (int k = 0; k < y.Length; k++)
        {
            int rest = k, at = 0, stride = 1;
            for (int i = shape.Rank - 1; i >= 0; i--)
            {
                at += (ranges[i].Start + (rest % ranges[i].Length * ranges[i].Step)) * stride;
                rest /= ranges[i].Length;
                stride *= shape[i];
            }

            y[k] = x[at];
        }

        return y;
    }

    private static double[] Concat(int[] widths, int rows, double[][] x) =>
        [.. Enumerable.Range(0, rows).SelectMany(r => x.SelectMany((part, i) => part.Skip(r * widths[i]).Take(widths[i])))];
}
