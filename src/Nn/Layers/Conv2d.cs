using SmartFrz.Kernels;
using SmartFrz.Tensors;

namespace SmartFrz.Nn;

/// <summary>A two-dimensional convolution.</summary>
/// <remarks>Shapes: x (N,C,H,W), W (K,C/groups,R,S), b (K), y (N,K,P,Q).</remarks>
public sealed class Conv2d : Module
{
    private readonly Conv2dOptions _options;

    /// <summary>A layer with fresh parameters.</summary>
    /// <param name="scope">Its scope.</param>
    /// <param name="inChannels">C.</param>
    /// <param name="outChannels">K.</param>
    /// <param name="kernel">R and S.</param>
    /// <param name="options">Stride, padding, dilation, groups.</param>
    /// <param name="bias">Whether a bias is added.</param>
    /// <param name="weightValues">How the filters begin; null as in PyTorch.</param>
    /// <param name="biasValues">How the bias begins; null as in PyTorch.</param>
    public Conv2d(
        ModuleScope scope,
        int inChannels,
        int outChannels,
        int kernel,
        Conv2dOptions options,
        bool bias = true,
        Initializer? weightValues = null,
        Initializer? biasValues = null)
        : base(scope)
    {
        _options = options;
        int perGroup = inChannels / options.Groups;
        Weight = AddParameter("weight", new Shape(outChannels, perGroup, kernel, kernel), weightValues ?? Initializer.KaimingUniform);
        Bias = bias ? AddParameter("bias", new Shape(outChannels), biasValues ?? Initializer.FanInUniform(perGroup * kernel * kernel)) : null;
    }

    /// <summary>The filters, (K,C/groups,R,S).</summary>
    public Parameter Weight { get; }

    /// <summary>The bias, (K), or null.</summary>
    public Parameter? Bias { get; }

    /// <summary>
    /// The convolution, the normalisation behind it, an optional residual sum and activation: in one pass where nothing learns and nobody looks
    /// at the convolution's own output.
    /// </summary>
    public Tensor CallNormalised(Tensor input, BatchNorm2d norm, Activation activation = Activation.None, Tensor? residual = null)
    {
        bool learns = !Engine.Need(input, Weight.Value, Bias?.Value, norm.Weight.Value, norm.Bias.Value, residual).IsEmpty;
        if (norm.IsTraining || learns || IsObserved)
        {
            var sum = Call(input);
            return norm.Call(sum, activation, residual).Releasing(sum);
        }

        var call = Enter();
        return call.Return(input.Conv2dNorm(
            Weight.Value, Bias?.Value, _options, norm.Weight.Value, norm.Bias.Value, norm.RunningMean.Value, norm.RunningVar.Value, norm.Eps, activation, residual));
    }

    /// <inheritdoc/>
    protected override Tensor Forward(Tensor input) => input.Conv2d(Weight.Value, Bias?.Value, _options);
}
