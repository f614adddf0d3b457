using SmartFrz.Kernels.Cpu;

namespace SmartFrz.Kernels;

/// <summary>The cross-entropy of a probability given by its logit x against a target t: max(x, 0) - x t + log(1 + e^-|x|).</summary>
public readonly struct LogitCrossEntropyOp : IBinaryOp
{
    /// <inheritdoc/>
    public static string Name => "logit_cross_entropy";

    /// <inheritdoc/>
    public float Apply(float x, float target)
    {
        // log(1 + e) = 2 artanh(e / (2 + e)), by its series: e is in [0, 1], where seven terms are exact to a float.
        float e = MathF.Exp(-MathF.Abs(x)), z = e / (2f + e), w = z * z;
        float p = (((((((((((w * (1f / 13)) + (1f / 11)) * w) + (1f / 9)) * w) + (1f / 7)) * w) + (1f / 5)) * w) + (1f / 3)) * w) + 1f;
        return (x > 0f ? x : 0f) - (x * target) + (2f * z * p);
    }

    /// <inheritdoc/>
    public V Apply<S, V>(V x, V target)
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        V e = SimdMath.Exp<S, V>(SimdMath.CopySign<S, V>(x, S.Set(-1f)));
        V z = S.Div(e, S.Add(S.Set(2f), e)), w = S.Mul(z, z);
        V p = S.Set(1f / 13);
        p = S.Fma(p, w, S.Set(1f / 11));
        p = S.Fma(p, w, S.Set(1f / 9));
        p = S.Fma(p, w, S.Set(1f / 7));
        p = S.Fma(p, w, S.Set(1f / 5));
        p = S.Fma(p, w, S.Set(1f / 3));
        p = S.Fma(p, w, S.Set(1f));
        V log = S.Mul(S.Add(z, z), p);
        return S.Add(S.Sub(S.Select(S.Greater(S.Zero, x), S.Zero, x), S.Mul(x, target)), log);
    }
}

/// <summary>dy (sigmoid(x) - t): the gradient with respect to the logit.</summary>
public readonly struct LogitCrossEntropyGradOp : IBinaryGradient
{
    /// <inheritdoc/>
    public static string Name => "logit_cross_entropy.backward";

    /// <inheritdoc/>
    public float Apply(float dy, float x, float target) => dy * (Cuda.CudaMath.Sigmoid(x) - target);

    /// <inheritdoc/>
    public V Apply<S, V>(V dy, V x, V target)
        where S : struct, ISimd<V>
        where V : unmanaged
        => S.Mul(dy, S.Sub(SimdMath.Sigmoid<S, V>(x), target));
}

/// <summary>-dy x: the gradient with respect to the target.</summary>
public readonly struct LogitCrossEntropyTargetGradOp : IBinaryGradient
{
    /// <inheritdoc/>
    public static string Name => "logit_cross_entropy.backward_target";

    /// <inheritdoc/>
    public float Apply(float dy, float x, float target) => -dy * x;

    /// <inheritdoc/>
    public V Apply<S, V>(V dy, V x, V target)
        where S : struct, ISimd<V>
        where V : unmanaged
        => S.Mul(S.Sub(S.Zero, dy), x);
}
