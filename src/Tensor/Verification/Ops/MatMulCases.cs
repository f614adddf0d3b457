
namespace SmartFrz.Tensors.Verification;

/// <summary>Matrix products: transposes, batches, sizes of one and primes.</summary>
internal sealed class MatMulCases : IOpCases
{
    /// <inheritdoc/>
    public IEnumerable<OpCase> Cases()
    {
        foreach (var (transposeA, transposeB) in new[] { (false, false), (true, false), (false, true), (true, true) })
        {
            yield return Product([], 5, 7, 3, transposeA, transposeB);
            yield return Product([2, 3], 3, 2, 5, transposeA, transposeB);
            yield return Product([], 17, 19, 23, transposeA, transposeB);
        }

        yield return Product([], 1, 1, 1, false, false);
        yield return Product([], 1, 13, 37, false, false);
        yield return Product([1], 31, 1, 2, false, true);
        yield return Product([], 26, 21, 35, false, true, emulate: false);
        yield return new OpCase
        {
            Name = "matmul with itself",
            Inputs = [new Shape(4, 4)],
            Apply = (_, x) => x[0].MatMul(x[0], transposeB: true),
            Reference = x => Reference(1, 4, 4, 4, false, true, x[0], x[0]),
        };
    }

    private static OpCase Product(int[] batch, int m, int n, int k, bool transposeA, bool transposeB, bool emulate = true)
    {
        Shape a = new([.. batch, .. transposeA ? [k, m] : new[] { m, k }]), b = new([.. batch, .. transposeB ? [n, k] : new[] { k, n }]);
        return new OpCase
        {
            Name = $"matmul {a}{(transposeA ? "^T" : "")} {b}{(transposeB ? "^T" : "")}",
            Inputs = [a, b],
            Apply = (_, x) => x[0].MatMul(x[1], transposeA, transposeB),
            Reference = x => Reference(batch.Aggregate(1, (p, e) => p * e), m, n, k, transposeA, transposeB, x[0], x[1]),
            Emulate = emulate,
        };
    }

    private static double[] Reference(int batch, int m, int n, int k, bool transposeA, bool transposeB, double[] a, double[] b)
    {
        var y = new double[batch * m * n];
        for (int p = 0; p < batch; p++)
        {
            for (int i = 0; i < m; i++)
            {
                for (int j = 0; j < n; j++)
                {
                    double sum = 0;
                    for (int t = 0; t < k; t++)
                    {
                        sum += a[(p * m * k) + (transposeA ? (t * m) + i : (i * k) + t)] * b[(p * k * n) + (transposeB ? (j * k) + t : (t * n) + j)];
                    }

                    y[(((p * m) + i) * n) + j] = sum;
                }
            }
        }

        return y;
    }
}
