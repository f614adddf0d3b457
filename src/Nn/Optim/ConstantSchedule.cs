namespace SmartFrz.Nn;

/// <summary>Always the same learning rate.</summary>
public sealed class ConstantSchedule(float learningRate) : ISchedule
{
    /// <inheritdoc/>
    public float LearningRate(long step, long totalSteps) => learningRate;
}

/// <summary>The options of <see cref="ConstantSchedule"/>.</summary>
public sealed record ConstantScheduleOptions : ScheduleOptions;

/// <summary>Makes <see cref="ConstantSchedule"/>.</summary>
public sealed class ConstantScheduleFamily : ScheduleFamily<ConstantScheduleOptions>
{
    /// <inheritdoc/>
    public override string Name => "constant";

    /// <inheritdoc/>
    public override string Description => "always the same";

    /// <inheritdoc/>
    protected override ISchedule Create(float learningRate, ConstantScheduleOptions options) => new ConstantSchedule(learningRate);
}
