using System.Runtime.CompilerServices;
using SmartFrz.Kernels.Cpu;
using SmartFrz.Kernels.Cuda;

namespace SmartFrz.Kernels;

/// <summary>x * sigmoid(x), also called swish.</summary>
/// <remarks>Source: S. Elfwing, E. Uchibe, K. Doya, "Sigmoid-weighted linear units" (arXiv 1702.03118).</remarks>
public readonly struct SiluOp : IUnaryOp
{
    /// <inheritdoc/>
    public static string Name => "silu";

    /// <inheritdoc/>
    public float Apply(float x) => x * CudaMath.Sigmoid(x);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Apply<S, V>(V x)
        where S : struct, ISimd<V>
        where V : unmanaged
        => S.Mul(x, SimdMath.Sigmoid<S, V>(x));
}

/// <summary>dy * s * (1 + x * (1 - s)), s = sigmoid(x): the gradient of SiLU from its input.</summary>
public readonly struct SiluGradOp : IBinaryOp
{
    /// <inheritdoc/>
    public static string Name => "silu.backward";

    /// <inheritdoc/>
    public float Apply(float dy, float x)
    {
        float s = CudaMath.Sigmoid(x);
        return dy * (s * (1f + (x * (1f - s))));
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Apply<S, V>(V dy, V x)
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        V s = SimdMath.Sigmoid<S, V>(x);
        return S.Mul(dy, S.Mul(s, S.Fma(x, S.Sub(S.Set(1f), s), S.Set(1f))));
    }
}

/// <summary>x * min(max(x + 3, 0), 6) / 6</summary>
/// <remarks>Source: A. Howard et al., "Searching for MobileNetV3" (arXiv 1905.02244).</remarks>
public readonly struct HardswishOp : IUnaryOp
{
    /// <inheritdoc/>
    public static string Name => "hardswish";

    /// <inheritdoc/>
    public float Apply(float x)
    {
        float gate = x + 3f;
        return x * (gate < 0f ? 0f : gate > 6f ? 6f : gate) / 6f;
    }

    /// <inheritdoc/>
    public V Apply<S, V>(V x)
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        V gate = S.Add(x, S.Set(3f));
        gate = S.Select(S.Greater(S.Zero, gate), S.Zero, S.Select(S.Greater(gate, S.Set(6f)), S.Set(6f), gate));
        return S.Div(S.Mul(x, gate), S.Set(6f));
    }
}

/// <summary>dy * (x / 3 + 1/2) where -3 &lt;= x &lt;= 3, dy above and 0 below: the gradient of hardswish from its input, as PyTorch has it.</summary>
public readonly struct HardswishGradOp : IBinaryOp
{
    /// <inheritdoc/>
    public static string Name => "hardswish.backward";

    /// <inheritdoc/>
    public float Apply(float dy, float x) => x < -3f ? 0f : x > 3f ? dy : dy * ((x / 3f) + 0.5f);

    /// <inheritdoc/>
    public V Apply<S, V>(V dy, V x)
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        V middle = S.Mul(dy, S.Add(S.Div(x, S.Set(3f)), S.Set(0.5f)));
        return S.Select(S.Greater(S.Set(-3f), x), S.Zero, S.Select(S.Greater(x, S.Set(3f)), dy, middle));
    }
}
