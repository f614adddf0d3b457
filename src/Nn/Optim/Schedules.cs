namespace SmartFrz.Nn;

/// <summary>Always the same learning rate.</summary>
public sealed class ConstantSchedule(float learningRate) : ISchedule
{
    /// <inheritdoc/>
    public float LearningRate(long step, long totalSteps) => learningRate;
}

/// <summary>Half a cosine from the first learning rate down to a last one, step by step.</summary>
/// <remarks>
/// Computes: last + (first - last) * (1 + cos(pi * step / total)) / 2.
/// Source:   Loshchilov, Hutter, "SGDR" (arXiv 1608.03983), equation 5, one period.
/// </remarks>
public sealed class CosineSchedule(float first, float last = 0f) : ISchedule
{
    /// <inheritdoc/>
    public float LearningRate(long step, long totalSteps) =>
        last + ((first - last) * (float)(0.5 * (1.0 + Math.Cos(Math.PI * step / Math.Max(1, totalSteps)))));
}

/// <summary>A straight line from the first learning rate to a last one.</summary>
public sealed class LinearSchedule(float first, float last = 0f) : ISchedule
{
    /// <inheritdoc/>
    public float LearningRate(long step, long totalSteps) => first + ((last - first) * step / Math.Max(1, totalSteps));
}

/// <summary>Multiplied by a factor at certain shares of the run.</summary>
public sealed class StepSchedule(float first, IReadOnlyList<double> milestones, float factor = 0.1f) : ISchedule
{
    /// <inheritdoc/>
    public float LearningRate(long step, long totalSteps) =>
        first * MathF.Pow(factor, milestones.Count(m => step >= m * totalSteps));
}

/// <summary>Rises from 0 along a straight line over the first steps, then follows another schedule.</summary>
public sealed class WarmupSchedule(ISchedule then, long warmupSteps) : ISchedule
{
    /// <inheritdoc/>
    public float LearningRate(long step, long totalSteps) =>
        step < warmupSteps
            ? then.LearningRate(0, totalSteps - warmupSteps) * (step + 1) / warmupSteps
            : then.LearningRate(step - warmupSteps, totalSteps - warmupSteps);
}
