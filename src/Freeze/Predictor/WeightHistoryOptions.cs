using SmartFrz.Nn.Options;

namespace SmartFrz.Freeze;

/// <summary>What is remembered of each layer. Collection, training and use of a predictor share these values.</summary>
public sealed record WeightHistoryOptions
{
    // Far above every use; keeps the values of a window inside an int.
    internal const int Largest = 1 << 15;

    /// <summary>Snapshots in the window.</summary>
    /// <value>Default 30: the paper's ablation tries 20, 30, 40 and 50.</value>
    public int Window { get; init; } = 30;

    /// <summary>Weights sampled from each layer (layer tailoring).</summary>
    /// <value>Default 1024, the paper's example.</value>
    public int Samples { get; init; } = 1024;

    /// <summary>Whether the sampled positions are drawn anew at every snapshot instead of once; the movements are then differences of unrelated weights.</summary>
    /// <value>Default false.</value>
    public bool Redraw { get; init; }

    /// <summary>The movement (as a share of the layer's root mean square) from which on it is compressed.</summary>
    /// <value>Default 0.001: a single late step moves a weight by about that much.</value>
    public float Unit { get; init; } = 1e-3f;

    /// <summary>Steps between snapshots: max(1, floor(steps per epoch / window)), so that an epoch fills the window.</summary>
    public int IntervalFor(int stepsPerEpoch) => Math.Max(1, stepsPerEpoch / Window);

    // The first thing that is wrong with these options.
    internal void Check()
    {
        // The newest snapshot looks back at the others: there must be one.
        if (Window is < 2 or > Largest || Samples is < 1 or > Largest || !(Unit > 0 && float.IsFinite(Unit)))
        {
            throw new OptionException(FormattableString.Invariant(
                $"weight history: window {Window}, samples {Samples} and unit {Unit}, expected 2 to {Largest}, 1 to {Largest} and a number above 0"));
        }
    }
}
