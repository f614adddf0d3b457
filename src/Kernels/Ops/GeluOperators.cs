using System.Runtime.CompilerServices;
using SmartFrz.Kernels.Cpu;
using SmartFrz.Kernels.Cuda;

namespace SmartFrz.Kernels;

/// <summary>x times the share of a normal distribution below x.</summary>
/// <remarks>Source: D. Hendrycks, K. Gimpel, "Gaussian Error Linear Units" (2016).</remarks>
public readonly struct GeluOp : IUnaryOp
{
    internal const float SqrtHalf = 0.707106781f;

    /// <inheritdoc/>
    public static string Name => "gelu";

    /// <inheritdoc/>
    public float Apply(float x) => x * (0.5f + (0.5f * CudaMath.Erf(SqrtHalf * x)));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Apply<S, V>(V x)
        where S : struct, ISimd<V>
        where V : unmanaged
        => S.Mul(x, Below<S, V>(x));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static V Below<S, V>(V x)
        where S : struct, ISimd<V>
        where V : unmanaged
        => S.Fma(S.Set(0.5f), SimdMath.Erf<S, V>(S.Mul(S.Set(SqrtHalf), x)), S.Set(0.5f));
}

/// <summary>dy * (F(x) + x F'(x)), F the share of a normal distribution below x: the gradient of GELU from its input.</summary>
public readonly struct GeluGradOp : IBinaryOp
{
    // 1 / sqrt(2 pi)
    private const float Density = 0.398942280f;

    /// <inheritdoc/>
    public static string Name => "gelu.backward";

    /// <inheritdoc/>
    public float Apply(float dy, float x) =>
        dy * (0.5f + (0.5f * CudaMath.Erf(GeluOp.SqrtHalf * x)) + (x * (Density * MathF.Exp(-0.5f * x * x))));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Apply<S, V>(V dy, V x)
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        V density = S.Mul(S.Set(Density), SimdMath.ExpOfDifference<S, V>(S.Mul(S.Mul(S.Set(-0.5f), x), x)));
        return S.Mul(dy, S.Fma(x, density, GeluOp.Below<S, V>(x)));
    }
}

/// <summary>x * sigmoid(2u), u = sqrt(2/pi) (x + 0.044715 x^3): GELU with a hyperbolic tangent in place of the error function.</summary>
/// <remarks>(1 + tanh u) / 2 is the sigmoid of 2u, which keeps its digits where tanh u is near -1.</remarks>
public readonly struct GeluTanhOp : IUnaryOp
{
    // 2 sqrt(2/pi), and the cubic coefficient of Hendrycks and Gimpel.
    internal const float Slope = 1.59576912f, Cubic = 0.044715f;

    /// <inheritdoc/>
    public static string Name => "gelu_tanh";

    /// <inheritdoc/>
    public float Apply(float x) => x * CudaMath.Sigmoid(Slope * x * (1f + (Cubic * x * x)));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Apply<S, V>(V x)
        where S : struct, ISimd<V>
        where V : unmanaged
        => S.Mul(x, Gate<S, V>(x));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static V Gate<S, V>(V x)
        where S : struct, ISimd<V>
        where V : unmanaged
        => SimdMath.Sigmoid<S, V>(S.Mul(S.Mul(S.Set(Slope), x), S.Fma(S.Mul(S.Set(Cubic), x), x, S.Set(1f))));
}

/// <summary>dy * (s + x s (1 - s) 2u'): the gradient of GELU's tanh form from its input, s and u as in <see cref="GeluTanhOp"/>.</summary>
public readonly struct GeluTanhGradOp : IBinaryOp
{
    /// <inheritdoc/>
    public static string Name => "gelu_tanh.backward";

    /// <inheritdoc/>
    public float Apply(float dy, float x)
    {
        float s = CudaMath.Sigmoid(GeluTanhOp.Slope * x * (1f + (GeluTanhOp.Cubic * x * x)));
        float slope = GeluTanhOp.Slope * (1f + (3f * GeluTanhOp.Cubic * x * x));
        return dy * (s + (x * (s * (1f - s) * slope)));
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Apply<S, V>(V dy, V x)
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        V s = GeluTanhOp.Gate<S, V>(x);
        V slope = S.Mul(S.Set(GeluTanhOp.Slope), S.Fma(S.Mul(S.Set(3f * GeluTanhOp.Cubic), x), x, S.Set(1f)));
        V change = S.Mul(S.Mul(s, S.Sub(S.Set(1f), s)), slope);
        return S.Mul(dy, S.Fma(x, change, s));
    }
}
