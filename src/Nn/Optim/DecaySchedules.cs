namespace SmartFrz.Nn;

/// <summary>Half a cosine from the first learning rate down to a last one, step by step.</summary>
/// <remarks>
/// Computes: last + (first - last) * (1 + cos(pi * step / total)) / 2.
/// Source:   Loshchilov, Hutter, "SGDR" (arXiv 1608.03983), equation 5, one period.
/// </remarks>
public sealed class CosineSchedule(float first, float last = 0f) : ISchedule
{
    /// <inheritdoc/>
    public float LearningRate(long step, long totalSteps) =>
        (float)(last + (((double)first - last) * 0.5 * (1.0 + Math.Cos(Math.PI * Math.Min(step, totalSteps) / Math.Max(1, totalSteps)))));
}

/// <summary>A straight line from the first learning rate to a last one.</summary>
public sealed class LinearSchedule(float first, float last = 0f) : ISchedule
{
    /// <inheritdoc/>
    public float LearningRate(long step, long totalSteps) =>
        (float)(first + (((double)last - first) * Math.Min(step, totalSteps) / Math.Max(1, totalSteps)));
}

/// <summary>The options of <see cref="CosineSchedule"/> and <see cref="LinearSchedule"/>.</summary>
public sealed record DecayScheduleOptions : ScheduleOptions
{
    /// <summary>The learning rate at the end.</summary>
    /// <value>Default 0.</value>
    public float FinalLr { get; init; }
}

/// <summary>Makes <see cref="CosineSchedule"/>.</summary>
public sealed class CosineScheduleFamily : ScheduleFamily<DecayScheduleOptions>
{
    /// <inheritdoc/>
    public override string Name => "cosine";

    /// <inheritdoc/>
    public override string Description => "half a cosine down to final_lr";

    /// <inheritdoc/>
    protected override ISchedule Create(float learningRate, DecayScheduleOptions options) => new CosineSchedule(learningRate, options.FinalLr);
}

/// <summary>Makes <see cref="LinearSchedule"/>.</summary>
public sealed class LinearScheduleFamily : ScheduleFamily<DecayScheduleOptions>
{
    /// <inheritdoc/>
    public override string Name => "linear";

    /// <inheritdoc/>
    public override string Description => "a straight line down to final_lr";

    /// <inheritdoc/>
    protected override ISchedule Create(float learningRate, DecayScheduleOptions options) => new LinearSchedule(learningRate, options.FinalLr);
}
