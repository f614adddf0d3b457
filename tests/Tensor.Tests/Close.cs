namespace SmartFrz.Tensors.Tests;

/// <summary>Compares arrays of numbers.</summary>
internal static class Close
{
    /// <summary>Every element differs by at most the tolerance times the largest expected element.</summary>
    public static void Assert(string what, double[] expected, float[] actual, double tolerance)
    {
        Xunit.Assert.Equal(expected.Length, actual.Length);
        double scale = Math.Max(1e-3, expected.Select(Math.Abs).DefaultIfEmpty(0).Max());
        for (int i = 0; i < expected.Length; i++)
        {
            double error = Math.Abs(expected[i] - actual[i]);
            Xunit.Assert.True(error <= tolerance * scale, $"{what}: element {i} is {actual[i]:R}, expected {expected[i]:R} within {tolerance * scale:g3}");
        }
    }

    /// <summary>As above, of two arrays of floats.</summary>
    public static void Assert(string what, float[] expected, float[] actual, double tolerance) =>
        Assert(what, Array.ConvertAll(expected, v => (double)v), actual, tolerance);
}
