namespace SmartFrz.Nn;

/// <summary>How long a step takes, by the recent ones, so that estimates follow when layers freeze.</summary>
internal sealed class Pace
{
    // A step's weight halves after about 14 later ones: quick enough to follow a freeze, slow enough not to flicker.
    private const double Share = 0.05;

    /// <summary>Seconds of a step; NaN before the first.</summary>
    public double StepSeconds { get; private set; } = double.NaN;

    /// <summary>Seconds of the last evaluation; 0 before the first.</summary>
    public double EvaluationSeconds { get; set; }

    public void Add(long steps, double seconds)
    {
        double weight = double.IsNaN(StepSeconds) ? 1 : 1 - Math.Pow(1 - Share, steps);
        double before = double.IsNaN(StepSeconds) ? 0 : StepSeconds;
        StepSeconds = before + (weight * ((seconds / steps) - before));
    }

    public double Left(long steps, long evaluations) => (StepSeconds * steps) + (EvaluationSeconds * evaluations);
}
