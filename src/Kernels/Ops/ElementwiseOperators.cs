using SmartFrz.Kernels.Cpu;

namespace SmartFrz.Kernels;

/// <summary>
/// A function of one number, written for one element (CUDA) and for a vector (CPU); both backends inline it into their own loop.
/// Its fields are its parameters.
/// </summary>
public interface IUnaryOp
{
    /// <summary>The name in the ledger.</summary>
    static abstract string Name { get; }

    /// <summary>f(x) of one element.</summary>
    float Apply(float x);

    /// <summary>f(x) of a vector.</summary>
    V Apply<S, V>(V x)
        where S : struct, ISimd<V>
        where V : unmanaged;
}

/// <summary>A function of two numbers, in the manner of <see cref="IUnaryOp"/>.</summary>
public interface IBinaryOp
{
    /// <summary>The name in the ledger.</summary>
    static abstract string Name { get; }

    /// <summary>f(a, b) of one element.</summary>
    float Apply(float a, float b);

    /// <summary>f(a, b) of a vector.</summary>
    V Apply<S, V>(V a, V b)
        where S : struct, ISimd<V>
        where V : unmanaged;
}

/// <summary>x</summary>
public readonly struct CopyOp : IUnaryOp
{
    /// <inheritdoc/>
    public static string Name => "copy";

    /// <inheritdoc/>
    public float Apply(float x) => x;

    /// <inheritdoc/>
    public V Apply<S, V>(V x)
        where S : struct, ISimd<V>
        where V : unmanaged
        => x;
}

/// <summary>factor * x</summary>
public readonly struct ScaleOp(float factor) : IUnaryOp
{
    /// <summary>The factor.</summary>
    public readonly float Factor = factor;

    /// <inheritdoc/>
    public static string Name => "scale";

    /// <inheritdoc/>
    public float Apply(float x) => Factor * x;

    /// <inheritdoc/>
    public V Apply<S, V>(V x)
        where S : struct, ISimd<V>
        where V : unmanaged
        => S.Mul(S.Set(Factor), x);
}

/// <summary>max(x, 0)</summary>
public readonly struct ReluOp : IUnaryOp
{
    /// <inheritdoc/>
    public static string Name => "relu";

    /// <inheritdoc/>
    public float Apply(float x) => x > 0f ? x : 0f;

    /// <inheritdoc/>
    public V Apply<S, V>(V x)
        where S : struct, ISimd<V>
        where V : unmanaged
        => S.And(S.Greater(x, S.Zero), x);
}

/// <summary>dy where y &gt; 0, else 0: the gradient of ReLU from its output.</summary>
public readonly struct ReluGradOp : IBinaryOp
{
    /// <inheritdoc/>
    public static string Name => "relu.backward";

    /// <inheritdoc/>
    public float Apply(float dy, float y) => y > 0f ? dy : 0f;

    /// <inheritdoc/>
    public V Apply<S, V>(V dy, V y)
        where S : struct, ISimd<V>
        where V : unmanaged
        => S.And(S.Greater(y, S.Zero), dy);
}

/// <summary>a + b</summary>
public readonly struct AddOp : IBinaryOp
{
    /// <inheritdoc/>
    public static string Name => "add";

    /// <inheritdoc/>
    public float Apply(float a, float b) => a + b;

    /// <inheritdoc/>
    public V Apply<S, V>(V a, V b)
        where S : struct, ISimd<V>
        where V : unmanaged
        => S.Add(a, b);
}

/// <summary>a * b</summary>
public readonly struct MulOp : IBinaryOp
{
    /// <inheritdoc/>
    public static string Name => "mul";

    /// <inheritdoc/>
    public float Apply(float a, float b) => a * b;

    /// <inheritdoc/>
    public V Apply<S, V>(V a, V b)
        where S : struct, ISimd<V>
        where V : unmanaged
        => S.Mul(a, b);
}
