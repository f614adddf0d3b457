namespace SmartFrz.Tensors.Verification;

/// <summary>The gradients of a case by central differences of its double-precision reference.</summary>
internal static class FiniteDifferences
{
    // The error of a central difference is about Step^2 + 1e-16/Step.
    private const double Step = 1e-5;

    /// <summary>The gradient of each operand, from <see cref="OpRun.Seed"/> as the output's; 0 for what is detached.</summary>
    public static double[][] Of(OpCase op)
    {
        double[][] x = op.DoubleOperands();
        double[] seed = Array.ConvertAll(OpRun.Seed(op.Reference(x).Length), v => (double)v);
        var gradients = new double[x.Length][];
        for (int i = 0; i < x.Length; i++)
        {
            gradients[i] = new double[x[i].Length];
            for (int k = 0; k < x[i].Length; k++)
            {
                if (op.Detached(i, k))
                {
                    continue;
                }

                double at = x[i][k];
                x[i][k] = at + Step;
                double up = Dot(op.Reference(x), seed);
                x[i][k] = at - Step;
                double down = Dot(op.Reference(x), seed);
                x[i][k] = at;
                gradients[i][k] = (up - down) / (2 * Step);
            }
        }

        return gradients;
    }

    private static double Dot(double[] a, double[] b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++)
        {
            sum += a[i] * b[i];
        }

        return sum;
    }
}
