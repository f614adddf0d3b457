namespace SmartFrz.Cli;

/// <summary>What a command has to do with: which of the shared options it takes.</summary>
[Flags]
internal enum RunParts
{
    /// <summary>The device alone, which every command has.</summary>
    Device = 0,

    /// <summary>A network and its weights.</summary>
    Network = 1,

    /// <summary>A data set.</summary>
    Data = 2,

    /// <summary>Batches of a size of their own.</summary>
    Batch = 4,

    /// <summary>Updates: optimizer, schedule, loss.</summary>
    Optimizer = 8,

    /// <summary>Epochs and a policy.</summary>
    Training = 16,

    /// <summary>Everything.</summary>
    All = Network | Data | Batch | Optimizer | Training,
}
