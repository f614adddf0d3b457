namespace SmartFrz.Kernels;

/// <summary>Coefficients of rational functions that the processor's vector code and the CUDA kernels share.</summary>
/// <remarks>
/// erf(x) = x P(x^2) / Q(x^2) for |x| below <see cref="ErfIsOne"/>, degrees 5 and 5. Source: fitted in 50 digits to the least largest relative
/// error (Lawson's weights on the linearised problem, 240 Chebyshev points); it is 1.9e-8, a third of the rounding of a float. All
/// coefficients are positive, so nothing cancels.
/// </remarks>
internal static class Rational
{
    /// <summary>From here on erf is 1 to the precision of a float: 1 - erf(3.92) is 3e-8.</summary>
    public const float ErfIsOne = 3.92f;

    public const float ErfP0 = 1.12837911f, ErfP1 = 0.190404236f, ErfP2 = 0.0527484342f, ErfP3 = 0.00376552227f;

    public const float ErfP4 = 0.000284880778f, ErfP5 = 2.05010724e-06f;

    public const float ErfQ1 = 0.502074122f, ErfQ2 = 0.114108197f, ErfQ3 = 0.0149690285f, ErfQ4 = 0.00116251281f, ErfQ5 = 3.80918173e-05f;
}
