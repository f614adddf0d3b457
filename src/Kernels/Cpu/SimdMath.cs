using System.Runtime.CompilerServices;

namespace SmartFrz.Kernels.Cpu;

/// <summary>Elementary functions of whole registers, accurate to a few units in the last place over the whole range of floats.</summary>
/// <remarks>
/// Source: the coefficients and the range reductions are those of the Cephes library's single precision functions
/// (S. L. Moshier, expf, logf, tanhf).
/// A mask is best used once. AVX-512 then keeps it in a mask register; used twice, the compiler spreads it over a vector register by
/// vpmovm2d, which waits for the last use of that register (seen on Sapphire Rapids), and a loop that otherwise overlaps four or five
/// turns works them off one by one: e^x took 20 ns a register instead of 4.
/// </remarks>
internal static unsafe class SimdMath
{
    // ln 2 as a sum: the first part has 9 significant bits, so that a whole number below 2^15 times it is exact.
    private const float Ln2High = 0.693359375f, Ln2Low = -2.12194440e-4f;

    // All bits but the sign; as a float it is a NaN that is only ever used as a mask.
    private static float AbsMask => BitConverter.Int32BitsToSingle(0x7FFFFFFF);

    /// <summary>|x|</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Abs<S, V>(V x)
        where S : struct, ISimd<V>
        where V : unmanaged
        => S.And(S.Set(AbsMask), x);

    /// <summary>The magnitude of the first with the sign of the second.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V CopySign<S, V>(V magnitude, V sign)
        where S : struct, ISimd<V>
        where V : unmanaged
        => S.Select(S.Set(-0f), sign, magnitude);

    /// <summary>
    /// e^x. Infinity above ln(largest float), gradually to 0 below ln(smallest normal float); NaN stays NaN.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Exp<S, V>(V x)
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        // Beyond these the result is 0 or infinity, and the powers of two stay in range.
        V p = ExpParts<S, V>(S.Clamp(x, -106f, 89f), out V n);
        return S.ScaleByPowerOfTwo(p, n);
    }

    /// <summary>
    /// e^x for x up to 88, as in a softmax: 0 where the result is below 2^-126.5; NaN stays NaN. Fewer instructions than <see cref="Exp"/>
    /// where there is none to write exponents.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V ExpOfDifference<S, V>(V x)
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        // -127 times ln 2, whose power of two is 0: a mask in its place would cost as much as all the rest.
        V p = ExpParts<S, V>(S.Clamp(x, -88.02969f, 88f), out V n);
        return S.Mul(p, S.PowerOfTwo(n));
    }

    /// <summary>The natural logarithm: -infinity at 0, NaN below.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Log<S, V>(V x)
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        // Denormal numbers are scaled by 2^23 into the normal range first.
        V denormal = S.Greater(S.Set(1.17549435e-38f), x);
        V m = S.Mantissa(S.Select(denormal, S.Mul(x, S.Set(8388608f)), x), out V e);
        e = S.Sub(e, S.And(denormal, S.Set(23f)));

        // To [sqrt(1/2), sqrt(2)), where the polynomial around 1 is good.
        V large = S.Greater(m, S.Set(1.41421356f));
        V f = S.Sub(S.Select(large, S.Mul(m, S.Set(0.5f)), m), S.Set(1f));
        e = S.Add(e, S.And(large, S.Set(1f)));
        V p = S.Set(7.0376836292e-2f);
        p = S.Fma(p, f, -1.1514610310e-1f);
        p = S.Fma(p, f, 1.1676998740e-1f);
        p = S.Fma(p, f, -1.2420140846e-1f);
        p = S.Fma(p, f, 1.4249322787e-1f);
        p = S.Fma(p, f, -1.6668057665e-1f);
        p = S.Fma(p, f, 2.0000714765e-1f);
        p = S.Fma(p, f, -2.4999993993e-1f);
        p = S.Fma(p, f, 3.3333331174e-1f);
        V z = S.Mul(f, f);
        V y = S.Fma(e, S.Set(Ln2Low), S.Mul(S.Mul(f, z), p));
        y = S.Add(f, S.Fma(z, S.Set(-0.5f), y));
        y = S.Fma(e, S.Set(Ln2High), y);

        V infinity = S.Set(float.PositiveInfinity);
        y = S.Select(S.Equal(x, infinity), infinity, y);
        V outside = S.Select(S.Equal(x, S.Zero), S.Set(float.NegativeInfinity), S.Set(float.NaN));
        return S.Select(S.Greater(x, S.Zero), y, outside);
    }

    /// <summary>The hyperbolic tangent.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Tanh<S, V>(V x)
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        // Near 0 the quotient of exponentials loses digits: an odd polynomial takes over there.
        V a = Abs<S, V>(x);
        V z = S.Mul(x, x);
        V p = S.Set(-5.70498872745e-3f);
        p = S.Fma(p, z, 2.06390887954e-2f);
        p = S.Fma(p, z, -5.37397155531e-2f);
        p = S.Fma(p, z, 1.33314422036e-1f);
        p = S.Fma(p, z, -3.33332819422e-1f);
        V near = S.Fma(S.Mul(x, z), p, x);
        V e = Exp<S, V>(S.Add(a, a));
        V far = S.Sub(S.Set(1f), S.Div(S.Set(2f), S.Add(e, S.Set(1f))));
        return S.Select(S.Greater(S.Set(0.625f), a), near, CopySign<S, V>(far, x));
    }

    /// <summary>1 / (1 + e^-x).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Sigmoid<S, V>(V x)
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        // The exponential of -|x| never overflows, and small results keep their digits.
        V e = Exp<S, V>(CopySign<S, V>(x, S.Set(-1f)));
        return S.Div(S.Select(S.GreaterOrEqual(x, S.Zero), S.Set(1f), e), S.Add(S.Set(1f), e));
    }

    /// <summary>The error function.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Erf<S, V>(V x)
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        V t = S.Clamp(x, -Rational.ErfIsOne, Rational.ErfIsOne);
        V z = S.Mul(t, t);
        V p = S.Set(Rational.ErfP5);
        p = S.Fma(p, z, Rational.ErfP4);
        p = S.Fma(p, z, Rational.ErfP3);
        p = S.Fma(p, z, Rational.ErfP2);
        p = S.Fma(p, z, Rational.ErfP1);
        p = S.Fma(p, z, Rational.ErfP0);
        V q = S.Set(Rational.ErfQ5);
        q = S.Fma(q, z, Rational.ErfQ4);
        q = S.Fma(q, z, Rational.ErfQ3);
        q = S.Fma(q, z, Rational.ErfQ2);
        q = S.Fma(q, z, Rational.ErfQ1);
        q = S.Fma(q, z, 1f);
        return S.Select(S.GreaterOrEqual(Abs<S, V>(x), S.Set(Rational.ErfIsOne)), CopySign<S, V>(S.Set(1f), x), S.Div(S.Mul(t, p), q));
    }

    // e^t as the returned number times 2^n, n whole.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V ExpParts<S, V>(V t, out V n)
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        n = S.Round(S.Mul(t, S.Set(1.44269504f)));
        V r = S.Fma(n, S.Set(-Ln2High), t);
        return ExpPolynomial<S, V>(S.Fma(n, S.Set(-Ln2Low), r));
    }

    // e^r for r up to half of ln 2.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V ExpPolynomial<S, V>(V r)
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        V p = S.Set(1.9875691500e-4f);
        p = S.Fma(p, r, 1.3981999507e-3f);
        p = S.Fma(p, r, 8.3334519073e-3f);
        p = S.Fma(p, r, 4.1665795894e-2f);
        p = S.Fma(p, r, 1.6666665459e-1f);
        p = S.Fma(p, r, 5.0000001201e-1f);
        return S.Add(S.Fma(S.Mul(r, r), p, r), S.Set(1f));
    }
}
