using SmartFrz.Nn.Options;

namespace SmartFrz.Freeze;

/// <summary>When <see cref="LinearPolicy"/> freezes how much.</summary>
public sealed record LinearPolicyOptions
{
    /// <summary>The share of the run before the first unit freezes.</summary>
    /// <value>Default 0.5, from the source.</value>
    public double FreezeStart { get; init; } = 0.5;

    /// <summary>The share of units frozen at the end of the run.</summary>
    /// <value>Default 1, from the source.</value>
    public double FreezeLevel { get; init; } = 1.0;
}

/// <summary>
/// Freezes from the input on, linearly in time: at each epoch end the first floor(level * max(0, t - start)/(1 - start) * n) of the
/// n units that may freeze, t being the share of the run that is done.
/// </summary>
/// <remarks>Source: the linear schedule of MosaicML Composer's layer freezing, with units in forward order instead of modules in order of ownership.</remarks>
public sealed class LinearPolicy : FreezePolicy
{
    // A whole number of units must not be rounded down because 0.3 and its like have no end in binary.
    private const double Rounding = 1e-9;

    private readonly LinearPolicyOptions _options;

    /// <summary>A policy with those options.</summary>
    /// <exception cref="OptionException">A share is outside 0..1.</exception>
    public LinearPolicy(LinearPolicyOptions options)
    {
        if (options.FreezeStart is not (>= 0 and < 1))
        {
            throw new OptionException(FormattableString.Invariant($"option 'freeze.freeze_start' is {options.FreezeStart}, expected a number from 0 to below 1"));
        }

        if (options.FreezeLevel is not (>= 0 and <= 1))
        {
            throw new OptionException(FormattableString.Invariant($"option 'freeze.freeze_level' is {options.FreezeLevel}, expected a number from 0 to 1"));
        }

        _options = options;
    }

    /// <inheritdoc/>
    public override string Name => "linear";

    /// <inheritdoc/>
    public override FreezeDecision Decide(FreezeContext context)
    {
        if (!context.AtEpochEnd)
        {
            return FreezeDecision.None;
        }

        double t = (double)context.Training.Step / context.Training.TotalSteps;
        double share = _options.FreezeLevel * Math.Max(0, t - _options.FreezeStart) / (1 - _options.FreezeStart);
        int count = (int)((share * context.Units.Count) + Rounding);
        return FreezeDecision.ToFreeze(context.Units.Take(count).Select(u => new UnitDecision(u.Name, null, $"linear schedule: {count} of {context.Units.Count} units")));
    }
}

/// <summary>Makes <see cref="LinearPolicy"/>.</summary>
public sealed class LinearPolicyFactory : FreezePolicyFactory<LinearPolicyOptions>
{
    /// <inheritdoc/>
    public override string Name => "linear";

    /// <inheritdoc/>
    public override string Description => "from the input on, linearly in time";

    /// <inheritdoc/>
    protected override FreezePolicy Create(LinearPolicyOptions options) => new LinearPolicy(options);
}
