using SmartFrz.Kernels;
using SmartFrz.Nn.Options;
using SmartFrz.Tensors;

namespace SmartFrz.Nn;

/// <summary>Adam with decoupled weight decay, as PyTorch's AdamW. Steps are counted per parameter and stand still while it is frozen.</summary>
public sealed class AdamW : Optimizer
{
    private readonly float _beta1, _beta2, _eps;
    private Tensor? _stepBlock;

    /// <summary>An optimizer over parameter groups.</summary>
    /// <exception cref="OptionException">A decay rate is outside [0, 1), or eps is negative.</exception>
    public AdamW(IReadOnlyList<ParameterGroup> groups, float beta1 = 0.9f, float beta2 = 0.999f, float eps = 1e-8f)
        : base(groups)
    {
        if (beta1 is not (>= 0f and < 1f) || beta2 is not (>= 0f and < 1f) || eps < 0f)
        {
            throw new OptionException(FormattableString.Invariant($"AdamW: betas {beta1}, {beta2} and eps {eps}, expected numbers from 0 to below 1 and at least 0"));
        }

        (_beta1, _beta2, _eps) = (beta1, beta2, eps);
    }

    /// <summary>An optimizer over all parameters of a module.</summary>
    public AdamW(Module module, float weightDecay = 0.01f, float beta1 = 0.9f, float beta2 = 0.999f, float eps = 1e-8f)
        : this([new ParameterGroup([.. module.Parameters()], 1f, weightDecay)], beta1, beta2, eps)
    {
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> StateNames { get; } = ["exp_avg", "exp_avg_sq"];

    /// <inheritdoc/>
    protected override void Update(float learningRate, float gradientScale)
    {
        var due = (from g in Groups from p in g.Parameters where !p.IsFrozen && p.Variable.HasGradient select (Group: g, Parameter: p, State: EnsureState(p))).ToList();
        if (due.Count == 0)
        {
            return;
        }

        // One row of the step block for each count of steps; they differ only after a thaw.
        var rows = new List<long>();
        foreach (var (_, _, state) in due)
        {
            state.Steps++;
            if (!rows.Contains(state.Steps))
            {
                rows.Add(state.Steps);
            }
        }

        WriteStepBlock(rows, learningRate, gradientScale);
        foreach (var (group, parameter, state) in due)
        {
            Engine.Context.Layer = parameter.Variable.Layer;
            Engine.Launch(new AdamWKernel(
                new AdamWConstants(_beta1, _beta2, _eps, group.WeightDecay, group.LearningRateFactor),
                _stepBlock!.Buffer,
                rows.IndexOf(state.Steps),
                parameter.Value.Buffer,
                parameter.Variable.Gradient,
                state.Tensors[0].Buffer,
                state.Tensors[1].Buffer,
                parameter.Shape.Count));
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _stepBlock?.Dispose();
        }

        base.Dispose(disposing);
    }

    private void WriteStepBlock(List<long> rows, float learningRate, float gradientScale)
    {
        int length = rows.Count * AdamWKernel.RowLength;
        if (_stepBlock is null || _stepBlock.Shape[0] < length)
        {
            _stepBlock?.Dispose();
            _stepBlock = Engine.NewPersistent(new Shape(length), DType.F32, BufferKind.OptimizerState);
        }

        var block = new float[_stepBlock.Shape[0]];
        for (int r = 0; r < rows.Count; r++)
        {
            block[r * AdamWKernel.RowLength] = learningRate;
            block[(r * AdamWKernel.RowLength) + 1] = gradientScale;
            block[(r * AdamWKernel.RowLength) + 2] = (float)(1 / (1 - Math.Pow(_beta1, rows[r])));
            block[(r * AdamWKernel.RowLength) + 3] = (float)(1 / Math.Sqrt(1 - Math.Pow(_beta2, rows[r])));
        }

        _stepBlock.CopyFrom(block);
    }
}

/// <summary>Makes <see cref="AdamW"/>.</summary>
public sealed class AdamWFamily : IOptimizerFamily
{
    /// <inheritdoc/>
    public string Name => "adamw";

    /// <inheritdoc/>
    public Optimizer Create(Module network, OptimizerConfig config) =>
        config.Betas.Count == 2
            ? new AdamW(network, config.WeightDecay, config.Betas[0], config.Betas[1], config.Eps)
            : throw new OptionException($"option 'optimizer.betas' has {config.Betas.Count} numbers, AdamW has 2");
}
