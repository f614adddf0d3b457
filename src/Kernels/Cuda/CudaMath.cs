namespace SmartFrz.Kernels.Cuda;

/// <summary>Elementary functions of one number for CUDA kernels.</summary>
internal static class CudaMath
{
    /// <summary>
    /// The hyperbolic tangent. MathF.Tanh compiles to an approximation good to 2^-11 only, and 1 - 2/(1+e^2x) loses digits near 0.
    /// </summary>
    public static float Tanh(float x)
    {
        float a = MathF.Abs(x);
        if (a < 0.625f)
        {
            // The odd polynomial of Cephes' tanhf, as in SimdMath.
            float z = x * x;
            float p = (((((((-5.70498872745e-3f * z) + 2.06390887954e-2f) * z) - 5.37397155531e-2f) * z) + 1.33314422036e-1f) * z) - 3.33332819422e-1f;
            return (x * z * p) + x;
        }

        float far = 1f - (2f / (MathF.Exp(a + a) + 1f));
        return x < 0f ? -far : far;
    }

    /// <summary>1 / (1 + e^-x).</summary>
    public static float Sigmoid(float x)
    {
        float e = MathF.Exp(-MathF.Abs(x));
        return (x >= 0f ? 1f : e) / (1f + e);
    }

    /// <summary>The error function; the device has none in this compiler.</summary>
    public static float Erf(float x)
    {
        if (x >= Rational.ErfIsOne)
        {
            return 1f;
        }

        if (x <= -Rational.ErfIsOne)
        {
            return -1f;
        }

        float z = x * x;
        float p = (((((((((Rational.ErfP5 * z) + Rational.ErfP4) * z) + Rational.ErfP3) * z) + Rational.ErfP2) * z) + Rational.ErfP1) * z) + Rational.ErfP0;
        float q = (((((((((Rational.ErfQ5 * z) + Rational.ErfQ4) * z) + Rational.ErfQ3) * z) + Rational.ErfQ2) * z) + Rational.ErfQ1) * z) + 1f;
        return x * p / q;
    }
}
