namespace SmartFrz.Freeze;

/// <summary>When a similarity curve counts as settled.</summary>
public enum LabelRuleKind
{
    /// <summary>
    /// With hindsight: from here to the end of the run the curve stays inside a band that is a share of all its movement. Its own movement
    /// is the measure because a first layer hardly moves at all: to any absolute tolerance it has settled before it has learned.
    /// </summary>
    Settled,

    /// <summary>Looking back: over the last checks the curve stayed inside a band as wide as the tolerance, relative to its value.</summary>
    Stable,
}

/// <summary>How labels are made from CKA curves.</summary>
public sealed record LabelRule
{
    /// <summary>The kind of rule. The paper says "stabilised" and no more; labels are made offline, so hindsight is at hand.</summary>
    /// <value>Default settled.</value>
    public LabelRuleKind Kind { get; init; } = LabelRuleKind.Settled;

    /// <summary>
    /// The movement that is still allowed: a share of the whole curve's range for <see cref="LabelRuleKind.Settled"/>, of its present value
    /// for <see cref="LabelRuleKind.Stable"/>.
    /// </summary>
    /// <value>Default 0.1: what is left to learn is small beside what has been learned.</value>
    public double Tolerance { get; init; } = 0.1;

    /// <summary>Checks looked back over by <see cref="LabelRuleKind.Stable"/>.</summary>
    /// <value>Default 5.</value>
    public int Checks { get; init; } = 5;

    /// <summary>The least similarity of a layer that may freeze: below it the layer has settled somewhere else.</summary>
    /// <value>Default 0.3.</value>
    public double LeastSimilarity { get; init; } = 0.3;

    /// <summary>The label of each point of a curve: true for "freeze".</summary>
    public bool[] Labels(IReadOnlyList<double> curve)
    {
        var labels = new bool[curve.Count];
        for (int i = 0; i < labels.Length; i++)
        {
            bool hindsight = Kind == LabelRuleKind.Settled;
            double spread = hindsight ? Spread(curve, i, curve.Count - 1) : Spread(curve, Math.Max(0, i - Checks + 1), i);
            double allowed = Tolerance * (hindsight ? Spread(curve, 0, curve.Count - 1) : Math.Abs(curve[i]));
            bool seenEnough = hindsight || i + 1 >= Checks;
            // A NaN (two constant outputs) compares false and never freezes.
            labels[i] = seenEnough && spread <= allowed && curve[i] >= LeastSimilarity;
        }

        return labels;
    }

    private static double Spread(IReadOnlyList<double> curve, int from, int to)
    {
        var (least, most) = (double.PositiveInfinity, double.NegativeInfinity);
        for (int k = from; k <= to; k++)
        {
            (least, most) = (Math.Min(least, curve[k]), Math.Max(most, curve[k]));
        }

        return most - least;
    }
}
