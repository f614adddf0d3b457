using System.Text.Json;
using SmartFrz.Kernels.Random;
using SmartFrz.Nn;
using SmartFrz.Nn.Options;

namespace SmartFrz.Freeze;

/// <summary>The budget of <see cref="RandomPolicy"/>.</summary>
public sealed record RandomPolicyOptions
{
    /// <summary>The share of full training's FLOPs that freezing shall save, 0..1. A comparison sets it to what another run saved.</summary>
    /// <value>Default 0.15: what the SmartFRZ paper's summary claims at most.</value>
    public double SavedShare { get; init; } = 0.15;

    /// <summary>The seed of the draw.</summary>
    /// <value>Default 0.</value>
    public ulong DrawSeed { get; init; }
}

/// <summary>
/// The control at equal cost: random freezing times that save a given share of full training's FLOPs. Where it does as well as a
/// policy, that policy's choice of layers and moments was worth nothing.
/// </summary>
/// <remarks>
/// Computes: uniform times for the units (sorted in forward order in prefix mode), then stretched towards the end of the run by one
/// factor, found by bisection, until the FLOPs saved are those asked for. What a unit saves is what the ledger counted in the first
/// step and the planner says of it.
/// Throws: <see cref="OptionException"/> after the first step when freezing everything from there on would not save that much.
/// </remarks>
public sealed class RandomPolicy : FreezePolicy
{
    // Halvings of the factor's interval: 2^-40 is far below one step of any run.
    private const int Bisections = 40;

    // How far below the share asked for a run may stay when even everything frozen from the first step on saves less.
    private const double Tolerance = 0.02;

    private readonly RandomPolicyOptions _options;
    private long[]? _steps;

    /// <summary>A policy with those options.</summary>
    public RandomPolicy(RandomPolicyOptions options)
    {
        if (options.SavedShare is not (>= 0 and < 1))
        {
            throw new OptionException(FormattableString.Invariant($"option 'freeze.saved_share' is {options.SavedShare}, expected a number from 0 to below 1"));
        }

        _options = options;
    }

    /// <inheritdoc/>
    public override string Name => "random";

    /// <inheritdoc/>
    public override FreezeDecision Decide(FreezeContext context)
    {
        _steps ??= Draw(context);
        long now = context.Training.Step;
        return _steps.Contains(now)
            ? FreezeDecision.ToFreeze(context.Units.Where((_, u) => _steps[u] == now).Select(u => new UnitDecision(u.Name, null, "drawn at random")))
            : FreezeDecision.None;
    }

    /// <inheritdoc/>
    public override void Save(CheckpointEntries entries) => entries.Json["steps"] = JsonSerializer.SerializeToNode(_steps, OptionBinder.Json);

    /// <inheritdoc/>
    public override void Load(CheckpointEntries entries) => _steps = entries.Json["steps"].Deserialize<long[]>(OptionBinder.Json);

    private long[] Draw(FreezeContext context)
    {
        int count = context.Units.Count;
        bool prefix = context.Freezer.Mode == FreezeMode.Prefix;
        var random = Philox.Keyed(_options.DrawSeed, 0x72616E64);
        var left = new double[count];
        for (int u = 0; u < count; u++)
        {
            left[u] = 1 - random.Uniform((ulong)u);
        }

        if (prefix)
        {
            // The frontier moves from the input on: the first unit has the most time left.
            Array.Sort(left, (a, b) => b.CompareTo(a));
        }

        long total = context.Training.TotalSteps;
        double wanted = _options.SavedShare * context.Costs.StepFlops * total;
        double low = 0, high = 1 / Math.Max(left.DefaultIfEmpty(1).Min(), 1e-6);
        double most = Saved(Times(left, high, total), context, prefix);
        if (most < wanted * (1 - Tolerance))
        {
            double share = most / context.Costs.StepFlops / total;
            throw new OptionException(FormattableString.Invariant(
                $"option 'freeze.saved_share' is {_options.SavedShare}: this run saves at most {share:0.###}, with everything but the head frozen after its first step"));
        }

        for (int i = 0; i < Bisections; i++)
        {
            double factor = (low + high) / 2;
            if (Saved(Times(left, factor, total), context, prefix) < wanted)
            {
                low = factor;
            }
            else
            {
                high = factor;
            }
        }

        return Times(left, (low + high) / 2, total);
    }

    private static long[] Times(double[] left, double factor, long total) =>
        Array.ConvertAll(left, l => Math.Max(1, total - (long)Math.Round(Math.Min(1, l * factor) * total)));

    // FLOPs saved: a unit with only frozen units before it saves its whole backward pass, another one what it saves alone.
    private static double Saved(long[] steps, FreezeContext context, bool prefix)
    {
        double saved = 0;
        long frontier = 0;
        long total = context.Training.TotalSteps;
        for (int u = 0; u < steps.Length; u++)
        {
            var cost = context.Costs.Units[u];
            frontier = Math.Max(frontier, steps[u]);
            long own = prefix ? frontier : steps[u];
            saved += ((double)cost.SavedAlone * (total - own)) + ((double)(cost.SavedInPrefix - cost.SavedAlone) * (total - frontier));
        }

        return saved;
    }
}

/// <summary>Makes <see cref="RandomPolicy"/>.</summary>
public sealed class RandomPolicyFactory : FreezePolicyFactory<RandomPolicyOptions>
{
    /// <inheritdoc/>
    public override string Name => "random";

    /// <inheritdoc/>
    public override string Description => "random times that save a given share of FLOPs: the control at equal cost";

    /// <inheritdoc/>
    protected override FreezePolicy Create(RandomPolicyOptions options) => new RandomPolicy(options);
}
