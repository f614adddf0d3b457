namespace SmartFrz.Nn;

/// <summary>Rises along a straight line to the first learning rate of another schedule, then follows that over the rest of the run.</summary>
/// <remarks>Computes: first * (step + 1) / warmupSteps while step &lt; warmupSteps, so that no step is made with a learning rate of 0.</remarks>
public sealed class WarmupSchedule(ISchedule then, long warmupSteps) : ISchedule
{
    /// <inheritdoc/>
    public float LearningRate(long step, long totalSteps)
    {
        long rest = Math.Max(0, totalSteps - warmupSteps);
        return step < warmupSteps
            ? (float)((double)then.LearningRate(0, rest) * (step + 1) / warmupSteps)
            : then.LearningRate(step - warmupSteps, rest);
    }
}
