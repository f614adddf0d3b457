using SmartFrz.Kernels.Cpu;

namespace SmartFrz.Kernels;

/// <summary>The gradient of a function of two numbers with respect to one of them, from the output's gradient and both numbers.</summary>
public interface IBinaryGradient
{
    /// <summary>The name in the ledger.</summary>
    static abstract string Name { get; }

    /// <summary>The gradient at one element.</summary>
    float Apply(float dy, float a, float b);

    /// <summary>The gradient at a vector of elements.</summary>
    V Apply<S, V>(V dy, V a, V b)
        where S : struct, ISimd<V>
        where V : unmanaged;
}

/// <summary>a - b</summary>
public readonly struct SubOp : IBinaryOp
{
    /// <inheritdoc/>
    public static string Name => "sub";

    /// <inheritdoc/>
    public float Apply(float a, float b) => a - b;

    /// <inheritdoc/>
    public V Apply<S, V>(V a, V b)
        where S : struct, ISimd<V>
        where V : unmanaged
        => S.Sub(a, b);
}

/// <summary>a / b</summary>
public readonly struct DivOp : IBinaryOp
{
    /// <inheritdoc/>
    public static string Name => "div";

    /// <inheritdoc/>
    public float Apply(float a, float b) => a / b;

    /// <inheritdoc/>
    public V Apply<S, V>(V a, V b)
        where S : struct, ISimd<V>
        where V : unmanaged
        => S.Div(a, b);
}

/// <summary>The larger of two numbers; NaN if one of them is.</summary>
public readonly struct MaximumOp : IBinaryOp
{
    /// <inheritdoc/>
    public static string Name => "maximum";

    /// <inheritdoc/>
    public float Apply(float a, float b) => a >= b ? a : b >= a ? b : a + b;

    /// <inheritdoc/>
    public V Apply<S, V>(V a, V b)
        where S : struct, ISimd<V>
        where V : unmanaged
        => S.Max(a, b);
}

/// <summary>The smaller of two numbers; NaN if one of them is.</summary>
public readonly struct MinimumOp : IBinaryOp
{
    /// <inheritdoc/>
    public static string Name => "minimum";

    /// <inheritdoc/>
    public float Apply(float a, float b) => a <= b ? a : b <= a ? b : a + b;

    /// <inheritdoc/>
    public V Apply<S, V>(V a, V b)
        where S : struct, ISimd<V>
        where V : unmanaged
        => S.Min(a, b);
}

/// <summary>dy times the other factor.</summary>
public readonly struct MulGradOp : IBinaryOp
{
    /// <inheritdoc/>
    public static string Name => "mul.backward";

    /// <inheritdoc/>
    public float Apply(float dy, float other) => dy * other;

    /// <inheritdoc/>
    public V Apply<S, V>(V dy, V other)
        where S : struct, ISimd<V>
        where V : unmanaged
        => S.Mul(dy, other);
}

/// <summary>dy / b: the gradient of a / b with respect to a.</summary>
public readonly struct DivGradAOp : IBinaryOp
{
    /// <inheritdoc/>
    public static string Name => "div.backward_a";

    /// <inheritdoc/>
    public float Apply(float dy, float b) => dy / b;

    /// <inheritdoc/>
    public V Apply<S, V>(V dy, V b)
        where S : struct, ISimd<V>
        where V : unmanaged
        => S.Div(dy, b);
}

/// <summary>-dy * a / b^2: the gradient of a / b with respect to b.</summary>
public readonly struct DivGradBOp : IBinaryGradient
{
    /// <inheritdoc/>
    public static string Name => "div.backward_b";

    /// <inheritdoc/>
    public float Apply(float dy, float a, float b) => -dy * a / (b * b);

    /// <inheritdoc/>
    public V Apply<S, V>(V dy, V a, V b)
        where S : struct, ISimd<V>
        where V : unmanaged
        => S.Div(S.Mul(S.Sub(S.Zero, dy), a), S.Mul(b, b));
}

/// <summary>dy where a &gt;= b, else 0.</summary>
public readonly struct MaximumGradAOp : IBinaryGradient
{
    /// <inheritdoc/>
    public static string Name => "maximum.backward_a";

    /// <inheritdoc/>
    public float Apply(float dy, float a, float b) => a >= b ? dy : 0f;

    /// <inheritdoc/>
    public V Apply<S, V>(V dy, V a, V b)
        where S : struct, ISimd<V>
        where V : unmanaged
        => S.And(S.GreaterOrEqual(a, b), dy);
}

/// <summary>dy where a &lt; b, else 0: equal operands give all of it to a.</summary>
public readonly struct MaximumGradBOp : IBinaryGradient
{
    /// <inheritdoc/>
    public static string Name => "maximum.backward_b";

    /// <inheritdoc/>
    public float Apply(float dy, float a, float b) => a < b ? dy : 0f;

    /// <inheritdoc/>
    public V Apply<S, V>(V dy, V a, V b)
        where S : struct, ISimd<V>
        where V : unmanaged
        => S.And(S.Greater(b, a), dy);
}

/// <summary>dy where a &lt;= b, else 0.</summary>
public readonly struct MinimumGradAOp : IBinaryGradient
{
    /// <inheritdoc/>
    public static string Name => "minimum.backward_a";

    /// <inheritdoc/>
    public float Apply(float dy, float a, float b) => a <= b ? dy : 0f;

    /// <inheritdoc/>
    public V Apply<S, V>(V dy, V a, V b)
        where S : struct, ISimd<V>
        where V : unmanaged
        => S.And(S.GreaterOrEqual(b, a), dy);
}

/// <summary>dy where a &gt; b, else 0: equal operands give all of it to a.</summary>
public readonly struct MinimumGradBOp : IBinaryGradient
{
    /// <inheritdoc/>
    public static string Name => "minimum.backward_b";

    /// <inheritdoc/>
    public float Apply(float dy, float a, float b) => a > b ? dy : 0f;

    /// <inheritdoc/>
    public V Apply<S, V>(V dy, V a, V b)
        where S : struct, ISimd<V>
        where V : unmanaged
        => S.And(S.Greater(a, b), dy);
}

/// <summary>factor * a, for an operand that is repeated along axes.</summary>
public readonly struct ExpandOp(float factor) : IBinaryOp
{
    /// <summary>The factor.</summary>
    public readonly float Factor = factor;

    /// <inheritdoc/>
    public static string Name => "expand";

    /// <inheritdoc/>
    public float Apply(float a, float b) => Factor * a;

    /// <inheritdoc/>
    public V Apply<S, V>(V a, V b)
        where S : struct, ISimd<V>
        where V : unmanaged
        => S.Mul(S.Set(Factor), a);
}

/// <summary>factor * a * b</summary>
public readonly struct ScaledMulOp(float factor) : IBinaryOp
{
    /// <summary>The factor.</summary>
    public readonly float Factor = factor;

    /// <inheritdoc/>
    public static string Name => "scaled_mul";

    /// <inheritdoc/>
    public float Apply(float a, float b) => Factor * a * b;

    /// <inheritdoc/>
    public V Apply<S, V>(V a, V b)
        where S : struct, ISimd<V>
        where V : unmanaged
        => S.Mul(S.Mul(S.Set(Factor), a), b);
}
