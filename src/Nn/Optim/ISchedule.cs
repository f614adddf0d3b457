namespace SmartFrz.Nn;

/// <summary>The learning rate over a run.</summary>
public interface ISchedule
{
    /// <summary>The learning rate of step <paramref name="step"/> (from 0) of <paramref name="totalSteps"/>.</summary>
    float LearningRate(long step, long totalSteps);
}
