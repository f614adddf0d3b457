using SmartFrz.Tensors;

namespace SmartFrz.Nn;

/// <summary>A fully connected layer: y = x W^T + b.</summary>
/// <remarks>Shapes: x (…,in), W (out,in), b (out), y (…,out).</remarks>
public sealed class Linear : Module
{
    /// <summary>A layer with fresh parameters.</summary>
    /// <param name="scope">Its scope.</param>
    /// <param name="inFeatures">Elements of an input.</param>
    /// <param name="outFeatures">Elements of an output.</param>
    /// <param name="bias">Whether a bias is added.</param>
    /// <param name="weightValues">How the weight begins; null as in PyTorch.</param>
    /// <param name="biasValues">How the bias begins; null as in PyTorch.</param>
    public Linear(
        ModuleScope scope, int inFeatures, int outFeatures, bool bias = true, Initializer? weightValues = null, Initializer? biasValues = null)
        : base(scope)
    {
        Weight = AddParameter("weight", new Shape(outFeatures, inFeatures), weightValues ?? Initializer.KaimingUniform);
        Bias = bias ? AddParameter("bias", new Shape(outFeatures), biasValues ?? Initializer.FanInUniform(inFeatures)) : null;
    }

    /// <summary>The weight, (out,in).</summary>
    public Parameter Weight { get; }

    /// <summary>The bias, (out), or null.</summary>
    public Parameter? Bias { get; }

    /// <inheritdoc/>
    protected override Tensor Forward(Tensor input) => input.Linear(Weight.Value, Bias?.Value);
}
