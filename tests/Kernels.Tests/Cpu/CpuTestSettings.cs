using SmartFrz.Kernels.Cpu;

namespace SmartFrz.Kernels.Tests.Cpu;

/// <summary>What every CPU kernel test runs over.</summary>
internal static class CpuTestSettings
{
    /// <summary>The instruction sets of this processor.</summary>
    public static CpuIsa[] Isas { get; } = [.. Enum.GetValues<CpuIsa>().Where(isa => isa.IsSupported())];

    /// <summary>
    /// Holds each element against the exact value: the distance allowed is 4 sqrt(terms) roundings of the sum of the magnitudes of what was
    /// added, and one rounding for a sum without any.
    /// </summary>
    public static void AssertClose(ReadOnlySpan<double> exact, ReadOnlySpan<double> magnitude, long terms, ReadOnlySpan<float> actual, string what)
    {
        const double Epsilon = 1.1920929e-7;
        for (int i = 0; i < exact.Length; i++)
        {
            double bound = 4 * Math.Sqrt(Math.Max(1, terms)) * Epsilon * magnitude[i];
            if (!(Math.Abs(exact[i] - actual[i]) <= bound))
            {
                Assert.Fail($"{what}: element {i} is {actual[i]}, expected {exact[i]} within {bound:g3}");
            }
        }
    }
}
