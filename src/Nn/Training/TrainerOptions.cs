namespace SmartFrz.Nn;

/// <summary>How a network is trained.</summary>
public sealed record TrainerOptions
{
    /// <summary>Epochs.</summary>
    /// <value>Default 1.</value>
    public int Epochs { get; init; } = 1;

    /// <summary>The share of the target spread evenly over all classes.</summary>
    /// <value>Default 0.</value>
    public float LabelSmoothing { get; init; }

    /// <summary>The largest global norm of the gradients; 0 for no clipping.</summary>
    /// <value>Default 0.</value>
    public float ClipNorm { get; init; }

    /// <summary>Steps between two readings of the loss from the device.</summary>
    /// <value>Default 20.</value>
    public int LogInterval { get; init; } = 20;

    /// <summary>Whether the test set is evaluated after each epoch; else only after the last one.</summary>
    /// <value>Default true.</value>
    public bool EvaluateEachEpoch { get; init; } = true;

    /// <summary>Images of an evaluation step.</summary>
    /// <value>Default 256.</value>
    public int EvaluationBatch { get; init; } = 256;
}

/// <summary>A training run that cannot go on; the message says where and why.</summary>
public sealed class TrainingException : Exception
{
    /// <summary>With a message.</summary>
    public TrainingException(string message)
        : base(message)
    {
    }

    /// <summary>With a message and a cause.</summary>
    public TrainingException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Without a message.</summary>
    public TrainingException()
    {
    }
}

/// <summary>How a training run ended.</summary>
/// <param name="Interrupted">Whether it was interrupted before its last step.</param>
/// <param name="Steps">Steps finished, those before a resume included.</param>
/// <param name="TrainLoss">The mean training loss of the last epoch.</param>
/// <param name="Last">The last evaluation.</param>
/// <param name="Best">The best evaluation by accuracy.</param>
/// <param name="TrainSeconds">Seconds in training steps, those before a resume included.</param>
/// <param name="WallSeconds">Seconds from the start to the end, those before a resume included.</param>
public sealed record TrainingResult(
    bool Interrupted, long Steps, double TrainLoss, EvaluationResult? Last, EvaluationResult? Best, double TrainSeconds, double WallSeconds);
