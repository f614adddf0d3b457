using SmartFrz.Tensors;

namespace SmartFrz.Nn;

/// <summary>A fully connected layer: y = x W^T + b.</summary>
/// <remarks>Shapes: x (…,in), W (out,in), b (out), y (…,out). Initial values as PyTorch's.</remarks>
public sealed class Linear : Module
{
    /// <summary>A layer with fresh parameters.</summary>
    public Linear(ModuleScope scope, int inFeatures, int outFeatures, bool bias = true)
        : base(scope)
    {
        Weight = AddParameter("weight", new Shape(outFeatures, inFeatures), Initializer.KaimingUniform);
        Bias = bias ? AddParameter("bias", new Shape(outFeatures), Initializer.FanInUniform(inFeatures)) : null;
    }

    /// <summary>The weight, (out,in).</summary>
    public Parameter Weight { get; }

    /// <summary>The bias, (out), or null.</summary>
    public Parameter? Bias { get; }

    /// <inheritdoc/>
    protected override Tensor Forward(Tensor input) => input.Linear(Weight.Value, Bias?.Value);
}
