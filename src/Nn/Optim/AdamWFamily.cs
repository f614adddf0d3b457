using SmartFrz.Nn.Options;

namespace SmartFrz.Nn;

/// <summary>The options of <see cref="AdamW"/>.</summary>
public sealed record AdamWOptions : OptimizerOptions
{
    /// <summary>The defaults, PyTorch's: learning rate 1e-3 and weight decay 0.01.</summary>
    public AdamWOptions() => (Lr, WeightDecay) = (1e-3f, 0.01f);

    /// <summary>The shares of mean gradient and mean square that go on.</summary>
    /// <value>Default 0.9 and 0.999.</value>
    public IReadOnlyList<double> Betas { get; init; } = [0.9, 0.999];

    /// <summary>Added to the root of the mean square.</summary>
    /// <value>Default 1e-8.</value>
    public float Eps { get; init; } = 1e-8f;
}

/// <summary>Makes <see cref="AdamW"/>.</summary>
public sealed class AdamWFamily : OptimizerFamily<AdamWOptions>
{
    /// <inheritdoc/>
    public override string Name => "adamw";

    /// <inheritdoc/>
    public override string Description => "Adam with decoupled weight decay";

    /// <inheritdoc/>
    protected override Optimizer Create(IReadOnlyList<ParameterGroup> groups, AdamWOptions options) =>
        options.Betas.Count == 2
            ? new AdamW(groups, options.Betas[0], options.Betas[1], options.Eps)
            : throw new OptionException($"option 'optimizer.betas' has {options.Betas.Count} numbers, expected 2");
}
