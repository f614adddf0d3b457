namespace SmartFrz.Tensors.Verification;

/// <summary>How far two arrays of numbers are apart.</summary>
internal static class Differences
{
    // Arrays of smaller numbers than this are measured by it: a gradient that is zero but for rounding has no size of its own.
    private const double LeastScale = 1e-3;

    /// <summary>The largest difference as a share of the largest expected number; infinite where one is not a number or lengths differ.</summary>
    public static double Largest(double[] expected, float[] actual)
    {
        if (expected.Length != actual.Length)
        {
            return double.PositiveInfinity;
        }

        double scale = Math.Max(LeastScale, expected.Select(Math.Abs).DefaultIfEmpty(0).Max()), largest = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            double difference = Math.Abs(expected[i] - actual[i]);
            largest = double.IsNaN(difference) ? double.PositiveInfinity : Math.Max(largest, difference);
        }

        return largest / scale;
    }
}
