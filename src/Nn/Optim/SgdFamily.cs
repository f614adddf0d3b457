namespace SmartFrz.Nn;

/// <summary>The options of <see cref="Sgd"/>.</summary>
public sealed record SgdOptions : OptimizerOptions
{
    /// <summary>The defaults: learning rate 0.1 and weight decay 5e-4, usual for small residual networks.</summary>
    public SgdOptions() => (Lr, WeightDecay) = (0.1f, 5e-4f);

    /// <summary>The share of the last update that goes on.</summary>
    /// <value>Default 0.9.</value>
    public float Momentum { get; init; } = 0.9f;

    /// <summary>Whether the update looks ahead. Without momentum there is nothing to look ahead to, and it is ignored.</summary>
    /// <value>Default true.</value>
    public bool Nesterov { get; init; } = true;
}

/// <summary>Makes <see cref="Sgd"/>.</summary>
public sealed class SgdFamily : OptimizerFamily<SgdOptions>
{
    /// <inheritdoc/>
    public override string Name => "sgd";

    /// <inheritdoc/>
    public override string Description => "stochastic gradient descent with momentum";

    /// <inheritdoc/>
    protected override Optimizer Create(IReadOnlyList<ParameterGroup> groups, SgdOptions options) =>
        new Sgd(groups, options.Momentum, options.Nesterov && options.Momentum != 0);
}
