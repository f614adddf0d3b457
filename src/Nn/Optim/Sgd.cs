using SmartFrz.Kernels;
using SmartFrz.Nn.Options;

namespace SmartFrz.Nn;

/// <summary>Stochastic gradient descent with momentum, Nesterov's form and weight decay, as PyTorch's.</summary>
/// <remarks>
/// Computes: g = grad + weight_decay * w; m = momentum * m + g, m = g at the first update; w -= lr * (nesterov ? g + momentum * m : m).
/// The kernel finds zeros where PyTorch starts from the gradient itself: momentum * 0 + g is the same.
/// </remarks>
public sealed class Sgd : Optimizer
{
    private readonly float _momentum;
    private readonly bool _nesterov;

    /// <summary>An optimizer over parameter groups.</summary>
    /// <exception cref="OptionException">Momentum is outside [0, 1), or Nesterov is asked for without momentum.</exception>
    public Sgd(IReadOnlyList<ParameterGroup> groups, float momentum = 0f, bool nesterov = false)
        : base(groups)
    {
        RequireWithin("sgd", "momentum", momentum, 0, 1);
        if (nesterov && momentum == 0f)
        {
            throw new OptionException("sgd: nesterov needs momentum, which is 0");
        }

        _momentum = momentum;
        _nesterov = nesterov;
    }

    /// <summary>An optimizer over all parameters of a module.</summary>
    public Sgd(Module module, float momentum = 0f, bool nesterov = false, float weightDecay = 0f)
        : this(AllOf(module, weightDecay), momentum, nesterov)
    {
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> StateNames => _momentum == 0f ? [] : ["momentum_buffer"];

    /// <inheritdoc/>
    protected override void Launch(in ParameterUpdate update)
    {
        var parameter = update.Parameter;
        Engine.Launch(new SgdKernel(
            new SgdConstants(_momentum, update.Group.WeightDecay, _nesterov, update.Group.LearningRateFactor),
            update.StepBlock,
            parameter.Value.Buffer,
            parameter.Variable.Gradient,
            _momentum == 0f ? default : update.State.Tensors[0].Buffer,
            parameter.Shape.Count));
    }
}
