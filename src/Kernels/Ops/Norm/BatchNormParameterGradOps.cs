using SmartFrz.Kernels.Cpu;

namespace SmartFrz.Kernels;

/// <summary>Hands the sum of g * xhat on as the gradient of gamma.</summary>
public readonly struct BatchNormGammaGradOp : IUnaryOp
{
    /// <inheritdoc/>
    public static string Name => "batch_norm.backward_gamma";

    /// <inheritdoc/>
    public float Apply(float product) => product;

    /// <inheritdoc/>
    public V Apply<S, V>(V product)
        where S : struct, ISimd<V>
        where V : unmanaged
        => product;
}

/// <summary>Hands the sum of g on as the gradient of beta.</summary>
public readonly struct BatchNormBetaGradOp : IUnaryOp
{
    /// <inheritdoc/>
    public static string Name => "batch_norm.backward_beta";

    /// <inheritdoc/>
    public float Apply(float sum) => sum;

    /// <inheritdoc/>
    public V Apply<S, V>(V sum)
        where S : struct, ISimd<V>
        where V : unmanaged
        => sum;
}
