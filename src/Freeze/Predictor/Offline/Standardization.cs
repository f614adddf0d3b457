using SmartFrz.Nn;

namespace SmartFrz.Freeze;

/// <summary>The mean and the spread of each place of a snapshot over all snapshots of some examples.</summary>
internal sealed class Standardization
{
    // A place that hardly varies (the least movement of a sample is near 0) tells nothing: a hundredth of the unit is no spread.
    private const double SmallestSpread = 1e-2;

    private readonly double[] _mean, _inverse;

    private Standardization(double[] mean, double[] inverse) => (_mean, _inverse) = (mean, inverse);

    /// <summary>That of the examples with those indices.</summary>
    public static Standardization Of(HistoryDataset data, IReadOnlyList<int> indices)
    {
        int samples = data.Options.Samples;
        var (sum, squares) = (new double[samples], new double[samples]);
        foreach (int index in indices)
        {
            var window = data.Window(index);
            for (int i = 0; i < window.Length; i++)
            {
                double value = (double)window[i];
                sum[i % samples] += value;
                squares[i % samples] += value * value;
            }
        }

        double count = (double)indices.Count * data.Options.Window;
        double[] mean = Array.ConvertAll(sum, s => s / count);
        double[] inverse = [.. squares.Zip(mean, (s, m) => 1 / Math.Max(SmallestSpread, Math.Sqrt(Math.Max(0, (s / count) - (m * m)))))];
        return new Standardization(mean, inverse);
    }

    /// <summary>Writes a window's standardised values.</summary>
    public void Apply(ReadOnlySpan<Half> window, Span<float> to)
    {
        for (int i = 0; i < window.Length; i++)
        {
            int place = i % _mean.Length;
            to[i] = (float)(((double)window[i] - _mean[place]) * _inverse[place]);
        }
    }

    /// <summary>Changes a layer that has learned from standardised values so that it says the same of the values themselves.</summary>
    /// <remarks>Computes: w' = w / spread; b' = b - sum of w' * mean.</remarks>
    public void FoldInto(Linear layer)
    {
        var weight = layer.Weight.Value.ToArray();
        var bias = layer.Bias!.Value.ToArray();
        for (int o = 0; o < bias.Length; o++)
        {
            double shift = 0;
            for (int i = 0; i < _mean.Length; i++)
            {
                ref float w = ref weight[(o * _mean.Length) + i];
                w = (float)(w * _inverse[i]);
                shift += w * _mean[i];
            }

            bias[o] = (float)(bias[o] - shift);
        }

        layer.Weight.Value.CopyFrom(weight);
        layer.Bias.Value.CopyFrom(bias);
    }
}
