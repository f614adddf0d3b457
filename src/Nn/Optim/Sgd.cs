using SmartFrz.Kernels;
using SmartFrz.Nn.Options;
using SmartFrz.Tensors;

namespace SmartFrz.Nn;

/// <summary>Stochastic gradient descent with momentum, Nesterov's form and weight decay, as PyTorch's.</summary>
public sealed class Sgd : Optimizer
{
    private const int StepBlockLength = 2;

    private readonly float _momentum;
    private readonly bool _nesterov;
    private readonly Tensor _stepBlock;

    /// <summary>An optimizer over parameter groups.</summary>
    /// <exception cref="OptionException">Momentum is outside [0, 1), or Nesterov is asked for without momentum.</exception>
    public Sgd(IReadOnlyList<ParameterGroup> groups, float momentum = 0f, bool nesterov = false)
        : base(groups)
    {
        if (momentum is not (>= 0f and < 1f))
        {
            throw new OptionException(FormattableString.Invariant($"SGD: momentum is {momentum}, expected a number from 0 to below 1"));
        }

        if (nesterov && momentum == 0f)
        {
            throw new OptionException("SGD: Nesterov needs momentum, which is 0");
        }

        _momentum = momentum;
        _nesterov = nesterov;
        _stepBlock = Engine.NewPersistent(new Shape(StepBlockLength), DType.F32, BufferKind.OptimizerState);
    }

    /// <summary>An optimizer over all parameters of a module.</summary>
    public Sgd(Module module, float momentum = 0f, bool nesterov = false, float weightDecay = 0f)
        : this([new ParameterGroup([.. module.Parameters()], 1f, weightDecay)], momentum, nesterov)
    {
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> StateNames => _momentum == 0f ? [] : ["momentum_buffer"];

    /// <inheritdoc/>
    protected override void Update(float learningRate, float gradientScale)
    {
        _stepBlock.CopyFrom([learningRate, gradientScale]);
        foreach (var group in Groups)
        {
            var constants = new SgdConstants(_momentum, group.WeightDecay, _nesterov, group.LearningRateFactor);
            foreach (var parameter in group.Parameters)
            {
                if (parameter.IsFrozen || !parameter.Variable.HasGradient)
                {
                    continue;
                }

                // The first update finds zeros where PyTorch starts from the gradient itself: momentum * 0 + g is the same.
                var state = EnsureState(parameter);
                var momentum = _momentum == 0f ? default : state.Tensors[0].Buffer;
                Engine.Context.Layer = parameter.Variable.Layer;
                Engine.Launch(new SgdKernel(constants, _stepBlock.Buffer, parameter.Value.Buffer, parameter.Variable.Gradient, momentum, parameter.Shape.Count));
                state.Steps++;
            }
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _stepBlock.Dispose();
        }

        base.Dispose(disposing);
    }
}
