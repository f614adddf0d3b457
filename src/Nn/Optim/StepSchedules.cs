using SmartFrz.Nn.Options;

namespace SmartFrz.Nn;

/// <summary>Multiplied by a factor at certain shares of the run.</summary>
/// <remarks>Computes: first * gamma^(milestones m with step &gt;= m * total).</remarks>
public sealed class MilestoneSchedule(float first, IReadOnlyList<double> milestones, double gamma = 0.1) : ISchedule
{
    /// <inheritdoc/>
    public float LearningRate(long step, long totalSteps) =>
        (float)(first * Math.Pow(gamma, milestones.Count(m => step >= m * totalSteps)));
}

/// <summary>Multiplied by a factor again and again, always after the same number of steps.</summary>
/// <remarks>Computes: first * gamma^floor(step / size).</remarks>
public sealed class StepSchedule(float first, long size, double gamma = 0.1) : ISchedule
{
    /// <inheritdoc/>
    public float LearningRate(long step, long totalSteps) => (float)(first * Math.Pow(gamma, step / size));
}

/// <summary>The options of <see cref="MilestoneSchedule"/> and <see cref="StepSchedule"/>.</summary>
public sealed record StepScheduleOptions : ScheduleOptions
{
    /// <summary>The shares of the run, from 0 to 1, where the learning rate drops; not used with <see cref="StepSize"/>.</summary>
    /// <value>Default 0.5 and 0.75: He et al., "Deep residual learning" (arXiv 1512.03385), 32,000 and 48,000 of 64,000 steps.</value>
    public IReadOnlyList<double> Milestones { get; init; } = [0.5, 0.75];

    /// <summary>The number of steps after which it drops, each time; 0 for the milestones.</summary>
    /// <value>Default 0.</value>
    public long StepSize { get; init; }

    /// <summary>What it is multiplied by.</summary>
    /// <value>Default 0.1.</value>
    public double Gamma { get; init; } = 0.1;
}

/// <summary>Makes <see cref="MilestoneSchedule"/> or <see cref="StepSchedule"/>.</summary>
public sealed class StepScheduleFamily : ScheduleFamily<StepScheduleOptions>
{
    /// <inheritdoc/>
    public override string Name => "step";

    /// <inheritdoc/>
    public override string Description => "drops by gamma at milestones, or every step_size steps";

    /// <inheritdoc/>
    protected override ISchedule Create(float learningRate, StepScheduleOptions options)
    {
        if (options.StepSize < 0)
        {
            throw new OptionException($"option 'schedule.step_size' is {options.StepSize}, expected at least 0");
        }

        if (options.StepSize > 0)
        {
            return new StepSchedule(learningRate, options.StepSize, options.Gamma);
        }

        foreach (double milestone in options.Milestones)
        {
            if (!(milestone is >= 0 and <= 1))
            {
                throw new OptionException(FormattableString.Invariant($"option 'schedule.milestones' holds {milestone}, expected shares of the run from 0 to 1"));
            }
        }

        return new MilestoneSchedule(learningRate, options.Milestones, options.Gamma);
    }
}
