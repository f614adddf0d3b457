using SmartFrz.Kernels.Cpu;

namespace SmartFrz.Kernels;

/// <summary>|x|</summary>
public readonly struct AbsOp : IUnaryOp
{
    /// <inheritdoc/>
    public static string Name => "abs";

    /// <inheritdoc/>
    public float Apply(float x) => MathF.Abs(x);

    /// <inheritdoc/>
    public V Apply<S, V>(V x)
        where S : struct, ISimd<V>
        where V : unmanaged
        => SimdMath.Abs<S, V>(x);
}

/// <summary>dy times the sign of x (0 at 0): the gradient of the absolute value from its input.</summary>
public readonly struct AbsGradOp : IBinaryOp
{
    /// <inheritdoc/>
    public static string Name => "abs.backward";

    /// <inheritdoc/>
    public float Apply(float dy, float x) => x > 0f ? dy : x < 0f ? -dy : 0f;

    /// <inheritdoc/>
    public V Apply<S, V>(V dy, V x)
        where S : struct, ISimd<V>
        where V : unmanaged
        => S.Sub(S.And(S.Greater(x, S.Zero), dy), S.And(S.Greater(S.Zero, x), dy));
}

/// <summary>x^2</summary>
public readonly struct SquareOp : IUnaryOp
{
    /// <inheritdoc/>
    public static string Name => "square";

    /// <inheritdoc/>
    public float Apply(float x) => x * x;

    /// <inheritdoc/>
    public V Apply<S, V>(V x)
        where S : struct, ISimd<V>
        where V : unmanaged
        => S.Mul(x, x);
}

/// <summary>2 * dy * x: the gradient of the square from its input.</summary>
public readonly struct SquareGradOp : IBinaryOp
{
    /// <inheritdoc/>
    public static string Name => "square.backward";

    /// <inheritdoc/>
    public float Apply(float dy, float x) => (dy + dy) * x;

    /// <inheritdoc/>
    public V Apply<S, V>(V dy, V x)
        where S : struct, ISimd<V>
        where V : unmanaged
        => S.Mul(S.Add(dy, dy), x);
}

/// <summary>1 / x</summary>
public readonly struct ReciprocalOp : IUnaryOp
{
    /// <inheritdoc/>
    public static string Name => "reciprocal";

    /// <inheritdoc/>
    public float Apply(float x) => 1f / x;

    /// <inheritdoc/>
    public V Apply<S, V>(V x)
        where S : struct, ISimd<V>
        where V : unmanaged
        => S.Div(S.Set(1f), x);
}

/// <summary>-dy * y^2: the gradient of the reciprocal from its output.</summary>
public readonly struct ReciprocalGradOp : IBinaryOp
{
    /// <inheritdoc/>
    public static string Name => "reciprocal.backward";

    /// <inheritdoc/>
    public float Apply(float dy, float y) => -dy * (y * y);

    /// <inheritdoc/>
    public V Apply<S, V>(V dy, V y)
        where S : struct, ISimd<V>
        where V : unmanaged
        => S.Mul(S.Sub(S.Zero, dy), S.Mul(y, y));
}

/// <summary>-x</summary>
public readonly struct NegOp : IUnaryOp
{
    /// <inheritdoc/>
    public static string Name => "neg";

    /// <inheritdoc/>
    public float Apply(float x) => -x;

    /// <inheritdoc/>
    public V Apply<S, V>(V x)
        where S : struct, ISimd<V>
        where V : unmanaged
        => S.Mul(S.Set(-1f), x);
}

/// <summary>x + term</summary>
public readonly struct AddScalarOp(float term) : IUnaryOp
{
    /// <summary>What is added.</summary>
    public readonly float Term = term;

    /// <inheritdoc/>
    public static string Name => "add_scalar";

    /// <inheritdoc/>
    public float Apply(float x) => x + Term;

    /// <inheritdoc/>
    public V Apply<S, V>(V x)
        where S : struct, ISimd<V>
        where V : unmanaged
        => S.Add(x, S.Set(Term));
}

/// <summary>x held within two limits; NaN stays NaN.</summary>
public readonly struct ClampOp(float low, float high) : IUnaryOp
{
    /// <summary>The limits.</summary>
    public readonly float Low = low, High = high;

    /// <inheritdoc/>
    public static string Name => "clamp";

    /// <inheritdoc/>
    public float Apply(float x) => x < Low ? Low : x > High ? High : x;

    /// <inheritdoc/>
    public V Apply<S, V>(V x)
        where S : struct, ISimd<V>
        where V : unmanaged
        => S.Select(S.Greater(S.Set(Low), x), S.Set(Low), S.Select(S.Greater(x, S.Set(High)), S.Set(High), x));
}

/// <summary>dy where low &lt;= x &lt;= high, else 0: the gradient of the clamp from its input.</summary>
public readonly struct ClampGradOp(float low, float high) : IBinaryOp
{
    /// <summary>The limits.</summary>
    public readonly float Low = low, High = high;

    /// <inheritdoc/>
    public static string Name => "clamp.backward";

    /// <inheritdoc/>
    public float Apply(float dy, float x) => x >= Low && x <= High ? dy : 0f;

    /// <inheritdoc/>
    public V Apply<S, V>(V dy, V x)
        where S : struct, ISimd<V>
        where V : unmanaged
        => S.And(S.And(S.GreaterOrEqual(x, S.Set(Low)), S.GreaterOrEqual(S.Set(High), x)), dy);
}

/// <summary>min(max(x, 0), 6)</summary>
public readonly struct Relu6Op : IUnaryOp
{
    /// <inheritdoc/>
    public static string Name => "relu6";

    /// <inheritdoc/>
    public float Apply(float x) => x < 0f ? 0f : x > 6f ? 6f : x;

    /// <inheritdoc/>
    public V Apply<S, V>(V x)
        where S : struct, ISimd<V>
        where V : unmanaged
        => S.Select(S.Greater(S.Zero, x), S.Zero, S.Select(S.Greater(x, S.Set(6f)), S.Set(6f), x));
}

/// <summary>dy where 0 &lt; y &lt; 6, else 0: the gradient of ReLU6 from its output.</summary>
public readonly struct Relu6GradOp : IBinaryOp
{
    /// <inheritdoc/>
    public static string Name => "relu6.backward";

    /// <inheritdoc/>
    public float Apply(float dy, float y) => y > 0f && y < 6f ? dy : 0f;

    /// <inheritdoc/>
    public V Apply<S, V>(V dy, V y)
        where S : struct, ISimd<V>
        where V : unmanaged
        => S.And(S.And(S.Greater(y, S.Zero), S.Greater(S.Set(6f), y)), dy);
}

/// <summary>x where x &gt; 0, else slope * x</summary>
public readonly struct LeakyReluOp(float slope) : IUnaryOp
{
    /// <summary>The slope below 0.</summary>
    public readonly float Slope = slope;

    /// <inheritdoc/>
    public static string Name => "leaky_relu";

    /// <inheritdoc/>
    public float Apply(float x) => x > 0f ? x : Slope * x;

    /// <inheritdoc/>
    public V Apply<S, V>(V x)
        where S : struct, ISimd<V>
        where V : unmanaged
        => S.Select(S.Greater(x, S.Zero), x, S.Mul(S.Set(Slope), x));
}

/// <summary>dy where y &gt; 0, else slope * dy: the gradient of leaky ReLU from its output, whose sign is the input's for a slope above 0.</summary>
public readonly struct LeakyReluGradOp(float slope) : IBinaryOp
{
    /// <summary>The slope below 0.</summary>
    public readonly float Slope = slope;

    /// <inheritdoc/>
    public static string Name => "leaky_relu.backward";

    /// <inheritdoc/>
    public float Apply(float dy, float y) => y > 0f ? dy : Slope * dy;

    /// <inheritdoc/>
    public V Apply<S, V>(V dy, V y)
        where S : struct, ISimd<V>
        where V : unmanaged
        => S.Select(S.Greater(y, S.Zero), dy, S.Mul(S.Set(Slope), dy));
}
