using SmartFrz.Nn.Data;
using SmartFrz.Nn.Options;

namespace SmartFrz.Nn;

/// <summary>How a network is trained. Batch size, order and augmentation are the loader's.</summary>
public sealed record TrainerOptions
{
    /// <summary>Epochs.</summary>
    /// <value>Default 1.</value>
    public int Epochs { get; init; } = 1;

    /// <summary>Stops the run after that many steps; its schedule is that of the whole run. 0 for no limit.</summary>
    /// <value>Default 0.</value>
    public long LimitSteps { get; init; }

    /// <summary>The share of the target spread evenly over all classes.</summary>
    /// <value>Default 0.</value>
    public float LabelSmoothing { get; init; }

    /// <summary>The largest global norm of the gradients; 0 for no clipping.</summary>
    /// <value>Default 0.</value>
    public float ClipNorm { get; init; }

    /// <summary>Batches of a step, whose gradients are averaged. What an epoch has beyond whole steps is left out.</summary>
    /// <value>Default 1.</value>
    public int Accumulate { get; init; } = 1;

    /// <summary>Evaluations without a better figure of <see cref="Metric"/> after which the run ends early; 0 for never.</summary>
    /// <value>Default 0.</value>
    public int Patience { get; init; }

    /// <summary>Steps between two readings of the loss from the device, counted from the beginning of each epoch.</summary>
    /// <value>Default 20.</value>
    public int LogInterval { get; init; } = 20;

    /// <summary>Whether the test set is evaluated after each epoch; else only after the last one.</summary>
    /// <value>Default true.</value>
    public bool EvaluateEachEpoch { get; init; } = true;

    /// <summary>Examples of an evaluation step.</summary>
    /// <value>Default 256.</value>
    public int EvaluationBatch { get; init; } = 256;

    /// <summary>The figure by which the best evaluation is told.</summary>
    /// <value>Default accuracy.</value>
    public TaskMetric Metric { get; init; }

    /// <summary>Whether a loss or weight that is no finite number ends the run with an exception.</summary>
    /// <value>Default true.</value>
    public bool NanGuard { get; init; } = true;

    /// <summary>
    /// Where checkpoints go: after each epoch and when interrupted, as <c>last.safetensors</c>; null for none.
    /// </summary>
    /// <value>Default null.</value>
    public string? CheckpointDirectory { get; init; }

    /// <summary>Steps between two checkpoints within an epoch; 0 for none there.</summary>
    /// <value>Default 0.</value>
    public int CheckpointInterval { get; init; }

    /// <summary>How many of the newest checkpoints are kept.</summary>
    /// <value>Default 1.</value>
    public int KeepCheckpoints { get; init; } = 1;

    /// <summary>Whether the checkpoint with the best evaluation is kept too, as <c>best.safetensors</c>.</summary>
    /// <value>Default true.</value>
    public bool KeepBest { get; init; } = true;

    /// <summary>What checkpoints say about the run, enough to make it again: its configuration, as text.</summary>
    /// <value>Default empty.</value>
    public string Config { get; init; } = "";

    // The first thing that is wrong with these options.
    internal void Check()
    {
        Require(Epochs >= 1, "epochs", Epochs, "at least 1");
        Require(LimitSteps >= 0, "limit_steps", LimitSteps, "0 or more");
        Require(Accumulate >= 1, "accumulate", Accumulate, "at least 1");
        Require(Patience >= 0, "patience", Patience, "0 or more");
        Require(LogInterval >= 1, "log_interval", LogInterval, "at least 1");
        Require(EvaluationBatch >= 1, "evaluation_batch", EvaluationBatch, "at least 1");
        Require(CheckpointInterval >= 0, "checkpoint_interval", CheckpointInterval, "0 or more");
        Require(KeepCheckpoints >= 1, "keep_checkpoints", KeepCheckpoints, "at least 1");
        Require(LabelSmoothing is >= 0f and < 1f, "label_smoothing", LabelSmoothing, "a number from 0 to below 1");
        Require(ClipNorm >= 0f && float.IsFinite(ClipNorm), "clip_norm", ClipNorm, "a number from 0 on");
    }

    private static void Require(bool condition, string key, double value, string expected)
    {
        if (!condition)
        {
            throw new OptionException(FormattableString.Invariant($"option 'train.{key}' is {value}, expected {expected}"));
        }
    }
}
