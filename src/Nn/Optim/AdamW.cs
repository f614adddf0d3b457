using SmartFrz.Kernels;
using SmartFrz.Nn.Options;

namespace SmartFrz.Nn;

/// <summary>Adam with decoupled weight decay, as PyTorch's AdamW.</summary>
/// <remarks>
/// Computes: as <see cref="AdamWKernel"/>, with t the parameter's own count of updates, which stands still while it is frozen.
/// Source:   Loshchilov, Hutter, "Decoupled weight decay regularization" (arXiv 1711.05101).
/// </remarks>
public sealed class AdamW : Optimizer
{
    private readonly double _beta1, _beta2;
    private readonly float _eps;

    /// <summary>An optimizer over parameter groups.</summary>
    /// <exception cref="OptionException">A beta is outside [0, 1), or eps is negative.</exception>
    public AdamW(IReadOnlyList<ParameterGroup> groups, double beta1 = 0.9, double beta2 = 0.999, float eps = 1e-8f)
        : base(groups)
    {
        RequireWithin("adamw", "beta1", beta1, 0, 1);
        RequireWithin("adamw", "beta2", beta2, 0, 1);
        RequireWithin("adamw", "eps", eps, 0, double.PositiveInfinity);
        (_beta1, _beta2, _eps) = (beta1, beta2, eps);
    }

    /// <summary>An optimizer over all parameters of a module.</summary>
    public AdamW(Module module, double beta1 = 0.9, double beta2 = 0.999, float eps = 1e-8f, float weightDecay = 0.01f)
        : this(AllOf(module, weightDecay), beta1, beta2, eps)
    {
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> StateNames { get; } = ["exp_avg", "exp_avg_sq"];

    /// <inheritdoc/>
    protected override int StepValues => 2;

    /// <inheritdoc/>
    protected override void WriteStepValues(ParameterGroup group, long step, Span<float> values)
    {
        values[0] = (float)(1.0 / (1.0 - Math.Pow(_beta1, step)));
        values[1] = (float)(1.0 / Math.Sqrt(1.0 - Math.Pow(_beta2, step)));
    }

    /// <inheritdoc/>
    protected override void Launch(in ParameterUpdate update)
    {
        var parameter = update.Parameter;
        Engine.Launch(new AdamWKernel(
            new AdamWConstants(_beta1, _beta2, _eps, update.Group.WeightDecay, update.Group.LearningRateFactor),
            update.StepBlock,
            update.Slot,
            parameter.Value.Buffer,
            parameter.Variable.Gradient,
            update.State.Tensors[0].Buffer,
            update.State.Tensors[1].Buffer,
            parameter.Shape.Count));
    }
}
