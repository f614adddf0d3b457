
namespace SmartFrz.Tensors.Verification;

/// <summary>Sums, and graphs in which gradients meet and share memory.</summary>
internal sealed class AddCases : IOpCases
{
    /// <inheritdoc/>
    public IEnumerable<OpCase> Cases()
    {
        foreach (var shape in new[] { new Shape(1), new Shape(3, 5), new Shape(2, 3, 5, 7) })
        {
            yield return new OpCase
            {
                Name = $"add {shape}",
                Inputs = [shape, shape],
                Apply = (_, x) => x[0].Add(x[1]),
                Reference = x => [.. x[0].Zip(x[1], (a, b) => a + b)],
            };
        }

        var s = new Shape(4, 3);
        yield return new OpCase
        {
            Name = "add to itself",
            Inputs = [s],
            Apply = (_, x) =>
            {
                var y = x[0].Scale(3f);
                return y.Add(y);
            },
            Reference = x => [.. x[0].Select(v => 6 * v)],
        };
        yield return new OpCase
        {
            Name = "residual sums share and copy gradients",
            Inputs = [s, s],
            Apply = (_, x) =>
            {
                var stem = x[0].Scale(2f);
                var branch = stem.Scale(0.5f).Add(x[1]);
                var sum = stem.Add(branch);
                return sum.Add(stem).Reshape(3, 4).Add(sum.Reshape(3, -1));
            },
            Reference = x => [.. x[0].Zip(x[1], (a, b) => (2 * ((2 * a) + a + b)) + (2 * a))],
        };
    }
}
