using SmartFrz.Kernels;

namespace SmartFrz.Tensors;

public sealed partial class Tensor
{
    /// <summary>
    /// Computes a convolution and the batch normalisation with running statistics behind it in one pass. For layers that do not learn,
    /// below which nothing learns: no gradient can flow through it.
    /// </summary>
    /// <param name="weight">The filters.</param>
    /// <param name="bias">The convolution's bias, or null.</param>
    /// <param name="options">How the filters move.</param>
    /// <param name="gamma">The factor of each channel.</param>
    /// <param name="beta">The term of each channel.</param>
    /// <param name="runningMean">The mean that is taken off.</param>
    /// <param name="runningVar">The variance.</param>
    /// <param name="eps">What is added to the variance.</param>
    /// <param name="activation">What follows.</param>
    /// <param name="residual">What is added before that, or null.</param>
    /// <remarks>
    /// Computes: y = activation((x * W + b - runningMean) / sqrt(runningVar + eps) * gamma + beta + residual), to the same bits as the two
    ///           operations one after the other.
    /// Shapes:   as <see cref="Conv2d(Tensor, Tensor?, Conv2dOptions)"/> and <see cref="BatchNormEval"/>.
    /// Gradient: none. Saves: nothing.
    /// Throws:   <see cref="ShapeException"/> when the shapes do not fit; <see cref="InvalidOperationException"/> when an operand needs a
    ///           gradient.
    /// </remarks>
    public Tensor Conv2dNorm(
        Tensor weight, Tensor? bias, Conv2dOptions options, Tensor gamma, Tensor beta, Tensor runningMean, Tensor runningVar, float eps, Activation activation = Activation.None, Tensor? residual = null)
    {
        if (!Engine.Need(this, weight, bias, gamma, beta, residual).IsEmpty)
        {
            throw new InvalidOperationException("Conv2dNorm: an operand needs a gradient, none flows through this operation: use Conv2d and BatchNormEval");
        }

        var sizes = Conv2dSizes(weight, bias, options);
        var y = Engine.NewTensor(new Shape(sizes.N, sizes.K, sizes.P, sizes.Q));
        var shape = y.BatchNormShape("Conv2dNorm", gamma, beta, runningMean, runningVar, residual);
        var channels = new BatchNormChannels(gamma.Buffer, beta.Buffer, runningMean.Buffer, runningVar.Buffer, eps, SpreadIsVariance: true);
        Engine.Launch(new Conv2dNormForward(
            sizes, Buffer, weight.Buffer, bias?.Buffer ?? default, channels, residual?.Buffer ?? default, activation, y.Buffer));

        // Skip records of both, as if they had run one after the other.
        Engine.Record(GradientOf(sizes), y, bias is null ? [this, weight] : [this, weight, bias]);
        return Engine.Record(OpOf(shape, training: false, eps, activation, residual), y, residual is null ? [y, gamma, beta] : [y, gamma, beta, residual]);
    }
}
