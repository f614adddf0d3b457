namespace SmartFrz.Nn;

/// <summary>What a run has brought about so far, beside the network itself: a checkpoint holds it.</summary>
internal sealed class RunProgress
{
    /// <summary>The steps of the epoch under way that were read from the device.</summary>
    public Score Epoch { get; set; }

    /// <summary>The finished epochs. The list itself stays the same: callbacks see it.</summary>
    public List<EpochRecord> History { get; } = [];

    /// <summary>The best evaluation.</summary>
    public EvaluationResult? Best { get; set; }

    /// <summary>Memory of the first step.</summary>
    public StepMemory FirstStep { get; set; }

    /// <summary>Memory of the last step.</summary>
    public StepMemory LastStep { get; set; }

    /// <summary>The largest number of device bytes alive at once.</summary>
    public long PeakBytes { get; set; }

    /// <summary>Seconds of the run's earlier parts, before it was resumed.</summary>
    public double WallSeconds { get; set; }
}
