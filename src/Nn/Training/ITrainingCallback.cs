namespace SmartFrz.Nn;

/// <summary>Takes part in a training run. Every method may be left out.</summary>
/// <remarks>
/// <code>
/// RunStarting
/// for each epoch
///     EpochStarting
///     for each batch
///         StepStarting
///         forward, loss, backward
///         GradientsReady
///         optimizer update
///         StepEnded
///         Logged, every few steps and after the last
///     evaluation
///     EpochEnded
/// RunEnded
/// </code>
/// Callbacks are called in the order they were added. The freezer acts in StepEnded and EpochEnded, so a step runs with one freeze
/// state from beginning to end.
/// </remarks>
public interface ITrainingCallback
{
    /// <summary>Before the first step; after a checkpoint was restored.</summary>
    void RunStarting(TrainingContext context)
    {
    }

    /// <summary>Before the first batch of an epoch.</summary>
    void EpochStarting(TrainingContext context)
    {
    }

    /// <summary>Before a forward pass.</summary>
    void StepStarting(TrainingContext context)
    {
    }

    /// <summary>After the backward pass, before the update.</summary>
    void GradientsReady(TrainingContext context)
    {
    }

    /// <summary>After the update.</summary>
    void StepEnded(TrainingContext context)
    {
    }

    /// <summary>After the loss was read from the device, every few steps and after an epoch's last one: <see cref="TrainingContext.LastReport"/>.</summary>
    void Logged(TrainingContext context)
    {
    }

    /// <summary>After the last batch of an epoch and the evaluation on the test set.</summary>
    void EpochEnded(TrainingContext context)
    {
    }

    /// <summary>After the last step, also after an interruption.</summary>
    void RunEnded(TrainingContext context)
    {
    }
}
