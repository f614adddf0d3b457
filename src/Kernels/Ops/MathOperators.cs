using System.Runtime.CompilerServices;
using SmartFrz.Kernels.Cpu;
using SmartFrz.Kernels.Cuda;

namespace SmartFrz.Kernels;

/// <summary>e^x</summary>
public readonly struct ExpOp : IUnaryOp
{
    /// <inheritdoc/>
    public static string Name => "exp";

    /// <inheritdoc/>
    public float Apply(float x) => MathF.Exp(x);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Apply<S, V>(V x)
        where S : struct, ISimd<V>
        where V : unmanaged
        => SimdMath.Exp<S, V>(x);
}

/// <summary>dy * y: the gradient of the exponential from its output.</summary>
public readonly struct ExpGradOp : IBinaryOp
{
    /// <inheritdoc/>
    public static string Name => "exp.backward";

    /// <inheritdoc/>
    public float Apply(float dy, float y) => dy * y;

    /// <inheritdoc/>
    public V Apply<S, V>(V dy, V y)
        where S : struct, ISimd<V>
        where V : unmanaged
        => S.Mul(dy, y);
}

/// <summary>The natural logarithm.</summary>
public readonly struct LogOp : IUnaryOp
{
    /// <inheritdoc/>
    public static string Name => "log";

    /// <inheritdoc/>
    public float Apply(float x) => MathF.Log(x);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Apply<S, V>(V x)
        where S : struct, ISimd<V>
        where V : unmanaged
        => SimdMath.Log<S, V>(x);
}

/// <summary>dy / x: the gradient of the logarithm from its input.</summary>
public readonly struct LogGradOp : IBinaryOp
{
    /// <inheritdoc/>
    public static string Name => "log.backward";

    /// <inheritdoc/>
    public float Apply(float dy, float x) => dy / x;

    /// <inheritdoc/>
    public V Apply<S, V>(V dy, V x)
        where S : struct, ISimd<V>
        where V : unmanaged
        => S.Div(dy, x);
}

/// <summary>The hyperbolic tangent.</summary>
public readonly struct TanhOp : IUnaryOp
{
    /// <inheritdoc/>
    public static string Name => "tanh";

    /// <inheritdoc/>
    public float Apply(float x) => CudaMath.Tanh(x);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Apply<S, V>(V x)
        where S : struct, ISimd<V>
        where V : unmanaged
        => SimdMath.Tanh<S, V>(x);
}

/// <summary>dy * (1 - y^2): the gradient of the hyperbolic tangent from its output.</summary>
public readonly struct TanhGradOp : IBinaryOp
{
    /// <inheritdoc/>
    public static string Name => "tanh.backward";

    /// <inheritdoc/>
    public float Apply(float dy, float y) => dy * (1f - (y * y));

    /// <inheritdoc/>
    public V Apply<S, V>(V dy, V y)
        where S : struct, ISimd<V>
        where V : unmanaged
        => S.Mul(dy, S.Sub(S.Set(1f), S.Mul(y, y)));
}

/// <summary>1 / (1 + e^-x)</summary>
public readonly struct SigmoidOp : IUnaryOp
{
    /// <inheritdoc/>
    public static string Name => "sigmoid";

    /// <inheritdoc/>
    public float Apply(float x) => CudaMath.Sigmoid(x);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Apply<S, V>(V x)
        where S : struct, ISimd<V>
        where V : unmanaged
        => SimdMath.Sigmoid<S, V>(x);
}

/// <summary>dy * y * (1 - y): the gradient of the sigmoid from its output.</summary>
public readonly struct SigmoidGradOp : IBinaryOp
{
    /// <inheritdoc/>
    public static string Name => "sigmoid.backward";

    /// <inheritdoc/>
    public float Apply(float dy, float y) => dy * (y * (1f - y));

    /// <inheritdoc/>
    public V Apply<S, V>(V dy, V y)
        where S : struct, ISimd<V>
        where V : unmanaged
        => S.Mul(dy, S.Mul(y, S.Sub(S.Set(1f), y)));
}

/// <summary>The square root.</summary>
public readonly struct SqrtOp : IUnaryOp
{
    /// <inheritdoc/>
    public static string Name => "sqrt";

    /// <inheritdoc/>
    public float Apply(float x) => MathF.Sqrt(x);

    /// <inheritdoc/>
    public V Apply<S, V>(V x)
        where S : struct, ISimd<V>
        where V : unmanaged
        => S.Sqrt(x);
}

/// <summary>dy / (2y): the gradient of the square root from its output.</summary>
public readonly struct SqrtGradOp : IBinaryOp
{
    /// <inheritdoc/>
    public static string Name => "sqrt.backward";

    /// <inheritdoc/>
    public float Apply(float dy, float y) => dy / (y + y);

    /// <inheritdoc/>
    public V Apply<S, V>(V dy, V y)
        where S : struct, ISimd<V>
        where V : unmanaged
        => S.Div(dy, S.Add(y, y));
}

/// <summary>1 / sqrt(x)</summary>
public readonly struct RsqrtOp : IUnaryOp
{
    /// <inheritdoc/>
    public static string Name => "rsqrt";

    /// <inheritdoc/>
    public float Apply(float x) => 1f / MathF.Sqrt(x);

    /// <inheritdoc/>
    public V Apply<S, V>(V x)
        where S : struct, ISimd<V>
        where V : unmanaged
        => S.Div(S.Set(1f), S.Sqrt(x));
}

/// <summary>-dy * y^3 / 2: the gradient of the reciprocal square root from its output.</summary>
public readonly struct RsqrtGradOp : IBinaryOp
{
    /// <inheritdoc/>
    public static string Name => "rsqrt.backward";

    /// <inheritdoc/>
    public float Apply(float dy, float y) => dy * (-0.5f * y * y * y);

    /// <inheritdoc/>
    public V Apply<S, V>(V dy, V y)
        where S : struct, ISimd<V>
        where V : unmanaged
        => S.Mul(dy, S.Mul(S.Mul(S.Mul(S.Set(-0.5f), y), y), y));
}
