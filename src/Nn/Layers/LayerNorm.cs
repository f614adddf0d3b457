using SmartFrz.Tensors;

namespace SmartFrz.Nn;

/// <summary>Normalisation of each row by its own mean and variance, with a factor and a term for each column.</summary>
/// <remarks>Shapes: x, y (…,D), weight, bias (D). As <see cref="Tensor.LayerNorm"/>.</remarks>
public sealed class LayerNorm : Module
{
    private readonly float _eps;

    /// <summary>A layer with fresh parameters: the identity.</summary>
    /// <param name="scope">Its scope.</param>
    /// <param name="features">D.</param>
    /// <param name="eps">What is added to the variance.</param>
    public LayerNorm(ModuleScope scope, int features, float eps = 1e-5f)
        : base(scope)
    {
        _eps = eps;
        Weight = AddParameter("weight", new Shape(features), Initializer.One);
        Bias = AddParameter("bias", new Shape(features), Initializer.Zero);
    }

    /// <summary>The factor of each column.</summary>
    public Parameter Weight { get; }

    /// <summary>The term of each column.</summary>
    public Parameter Bias { get; }

    /// <inheritdoc/>
    protected override Tensor Forward(Tensor input) => input.LayerNorm(Weight.Value, Bias.Value, _eps);
}
