using SmartFrz.Kernels;
using SmartFrz.Tensors;

namespace SmartFrz.Nn;

/// <summary>Batch normalisation of images, with an optional residual sum and activation in the same pass.</summary>
/// <remarks>
/// Training: the batch's statistics; running ones move. Evaluation and frozen: running statistics, which stand still.
/// Defaults as PyTorch's: momentum 0.1, eps 1e-5.
/// </remarks>
public sealed class BatchNorm2d : Module
{
    private readonly float _momentum;

    /// <summary>A layer with fresh parameters.</summary>
    public BatchNorm2d(ModuleScope scope, int channels, float momentum = 0.1f, float eps = 1e-5f)
        : base(scope)
    {
        _momentum = momentum;
        Eps = eps;
        var shape = new Shape(channels);
        Weight = AddParameter("weight", shape, Initializer.One);
        Bias = AddParameter("bias", shape, Initializer.Zero);
        RunningMean = AddBuffer("running_mean", shape, 0f);
        RunningVar = AddBuffer("running_var", shape, 1f);
        BatchesTracked = AddCounter("num_batches_tracked");
    }

    /// <summary>The factor of each channel.</summary>
    public Parameter Weight { get; }

    /// <summary>The term of each channel.</summary>
    public Parameter Bias { get; }

    /// <summary>The running mean.</summary>
    public ModuleBuffer RunningMean { get; }

    /// <summary>The running variance, unbiased.</summary>
    public ModuleBuffer RunningVar { get; }

    /// <summary>Batches seen in training mode.</summary>
    public ModuleCounter BatchesTracked { get; }

    /// <summary>What is added to the variance.</summary>
    public float Eps { get; }

    /// <summary>Normalises, adds the residual and applies ReLU in one pass.</summary>
    public Tensor CallRelu(Tensor input, Tensor? residual = null) => Call(input, Activation.Relu, residual);

    /// <summary>Normalises, and in the same pass adds the residual, if there is one, and applies the activation.</summary>
    internal Tensor Call(Tensor input, Activation activation, Tensor? residual)
    {
        var call = Enter();
        return call.Return(Normalise(input, activation, residual));
    }

    /// <inheritdoc/>
    protected override Tensor Forward(Tensor input) => Normalise(input, Activation.None, residual: null);

    private Tensor Normalise(Tensor input, Activation activation, Tensor? residual)
    {
        if (!IsTraining)
        {
            return input.BatchNormEval(Weight.Value, Bias.Value, RunningMean.Value, RunningVar.Value, Eps, activation, residual);
        }

        BatchesTracked.Value++;
        return input.BatchNormTrain(Weight.Value, Bias.Value, RunningMean.Value, RunningVar.Value, _momentum, Eps, activation, residual);
    }
}
