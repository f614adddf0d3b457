namespace SmartFrz.Freeze.Tests;

/// <summary>The predictor once more, in double precision and in loops: what the engine's is held against.</summary>
internal sealed class HostPredictor
{
    private readonly AttentionPredictorOptions _options;
    private readonly Dictionary<string, double[]> _values;

    public HostPredictor(AttentionPredictor predictor)
    {
        _options = predictor.Options;
        _values = predictor.Parameters().ToDictionary(p => p.Name, p => Array.ConvertAll(p.Value.ToArray(), v => (double)v), StringComparer.Ordinal);
    }

    public IReadOnlyDictionary<string, double[]> Values => _values;

    /// <summary>The log-odds of one window, (W,n).</summary>
    public double Logit(ReadOnlySpan<float> window)
    {
        int w = _options.History.Window, n = _options.History.Samples, d = _options.KeyWidth;
        var encoded = new double[w][];
        for (int t = 0; t < w; t++)
        {
            encoded[t] = Relu(Linear("trunk2", Relu(Linear("trunk1", Array.ConvertAll(window.Slice(t * n, n).ToArray(), v => (double)v)))));
        }

        double[] query = Linear("query", encoded[w - 1]);
        var scores = new double[w - 1];
        for (int t = 0; t < scores.Length; t++)
        {
            double[] key = Linear("key", encoded[t]);
            scores[t] = _options.Additive
                ? Linear("score", [.. key.Zip(query, (k, q) => Math.Tanh(k + q))])[0]
                : key.Zip(query, (k, q) => k * q).Sum() / Math.Sqrt(d);
        }

        double largest = scores.Max(), total = scores.Sum(s => Math.Exp(s - largest));
        var summary = new double[d];
        for (int t = 0; t < scores.Length; t++)
        {
            double[] value = Linear("value", encoded[t]);
            for (int i = 0; i < d; i++)
            {
                summary[i] += Math.Exp(scores[t] - largest) / total * value[i];
            }
        }

        return Linear("output", Relu(Linear("hidden", summary)))[0];
    }

    private double[] Linear(string name, double[] x)
    {
        double[] weight = _values[$"{name}.weight"], y = [.. _values[$"{name}.bias"]];
        for (int o = 0; o < y.Length; o++)
        {
            for (int i = 0; i < x.Length; i++)
            {
                y[o] += weight[(o * x.Length) + i] * x[i];
            }
        }

        return y;
    }

    private static double[] Relu(double[] x) => Array.ConvertAll(x, v => Math.Max(v, 0));
}
