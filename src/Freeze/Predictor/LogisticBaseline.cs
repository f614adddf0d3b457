using MathNet.Numerics.LinearAlgebra;

namespace SmartFrz.Freeze;

/// <summary>
/// Logistic regression on a few numbers: the baselines that a predictor must beat, "time only" and "last minus first".
/// </summary>
/// <remarks>Computes: maximum likelihood by Newton's method with a small ridge, on standardised features.</remarks>
public sealed class LogisticBaseline
{
    // Keeps the weights finite where the classes are separable; far below any useful penalty.
    private const double Ridge = 1e-3;
    private const int Iterations = 50;

    private readonly double[] _mean, _deviation;
    private readonly Vector<double> _weights;

    private LogisticBaseline(double[] mean, double[] deviation, Vector<double> weights) =>
        (_mean, _deviation, _weights) = (mean, deviation, weights);

    /// <summary>Fits features (one row an example) to answers.</summary>
    public static LogisticBaseline Fit(double[][] features, bool[] answers)
    {
        int count = features.Length, width = features[0].Length;
        var mean = new double[width];
        var deviation = new double[width];
        for (int f = 0; f < width; f++)
        {
            mean[f] = features.Average(row => row[f]);
            deviation[f] = Math.Max(1e-12, Math.Sqrt(features.Average(row => (row[f] - mean[f]) * (row[f] - mean[f]))));
        }

        var x = Matrix<double>.Build.Dense(count, width + 1, (i, f) => f == width ? 1 : (features[i][f] - mean[f]) / deviation[f]);
        var y = Vector<double>.Build.Dense(count, i => answers[i] ? 1 : 0);
        var w = Vector<double>.Build.Dense(width + 1);
        for (int iteration = 0; iteration < Iterations; iteration++)
        {
            var p = (x * w).Map(Sigmoid);
            var gradient = (x.TransposeThisAndMultiply(y - p)) - (Ridge * w);
            var curvature = x.TransposeThisAndMultiply(Matrix<double>.Build.Dense(count, width + 1, (i, f) => x[i, f] * p[i] * (1 - p[i])));
            for (int f = 0; f <= width; f++)
            {
                curvature[f, f] += Ridge;
            }

            var step = curvature.Solve(gradient);
            w += step;
            if (step.L2Norm() < 1e-10)
            {
                break;
            }
        }

        return new LogisticBaseline(mean, deviation, w);
    }

    /// <summary>The probability of "yes".</summary>
    public double Predict(double[] features)
    {
        double z = _weights[_weights.Count - 1];
        for (int f = 0; f < features.Length; f++)
        {
            z += _weights[f] * (features[f] - _mean[f]) / _deviation[f];
        }

        return Sigmoid(z);
    }

    private static double Sigmoid(double z) => 1 / (1 + Math.Exp(-z));
}
