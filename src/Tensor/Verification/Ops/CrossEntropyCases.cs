
namespace SmartFrz.Tensors.Verification;

/// <summary>Softmax cross-entropy with class targets.</summary>
internal sealed class CrossEntropyCases : IOpCases
{
    /// <inheritdoc/>
    public IEnumerable<OpCase> Cases()
    {
        foreach (var (n, c, s) in new[] { (1, 2, 0f), (5, 10, 0f), (7, 3, 0.1f), (3, 37, 0.25f) })
        {
            int[] targets = [.. Enumerable.Range(0, n).Select(i => i * 7 % c)];
            bool wide = c == 3;
            yield return new OpCase
            {
                Name = FormattableString.Invariant($"cross entropy ({n},{c}) smoothing {s}{(wide ? " targets I64" : "")}"),
                Inputs = [new Shape(n, c)],
                Apply = (engine, x) => x[0].CrossEntropy(
                    wide ? engine.FromHost<long>(Array.ConvertAll(targets, t => (long)t), new Shape(n)) : engine.FromHost<int>(targets, new Shape(n)), s),
                Reference = x => [Mean(x[0], targets, c, s)],
                Sample = (_, u) => 5 * u,
            };
        }
    }

    private static double Mean(double[] x, int[] targets, int c, double s)
    {
        double sum = 0;
        for (int n = 0; n < targets.Length; n++)
        {
            var row = x.AsSpan(n * c, c).ToArray();
            double largest = row.Max();
            double lse = largest + Math.Log(row.Sum(v => Math.Exp(v - largest)));
            sum += lse - ((1 - s) * row[targets[n]]) - (s * row.Average());
        }

        return sum / targets.Length;
    }
}
