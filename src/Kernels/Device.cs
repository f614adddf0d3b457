namespace SmartFrz.Kernels;

/// <summary>A place where kernels run. Contexts made from one device share its worker threads or its GPU.</summary>
public abstract class Device : IDisposable
{
    /// <summary><c>cpu</c> or <c>cuda</c>; <c>dry</c> where nothing is computed.</summary>
    public abstract string Kind { get; }

    /// <summary>The hardware's own name.</summary>
    public abstract string Name { get; }

    /// <summary>CPU worker threads; 0 on a GPU.</summary>
    public virtual int Threads => 0;

    /// <summary>Whether a launch returns before it has run, so that reading a result means waiting.</summary>
    public virtual bool RunsAhead => false;

    /// <summary>
    /// Whether one worker does a whole head of an attention, so that <see cref="AttentionGradKernel"/> can make all gradients from the same
    /// products. Where a head is spread over groups, which cannot add to the same numbers in a fixed order, each gradient has its own launch.
    /// </summary>
    public virtual bool AttentionGradientsTogether => true;

    /// <summary>Whether its memory holds what is written there; false where nothing is computed.</summary>
    public virtual bool KeepsData => true;

    /// <summary>A new context with ledgers of its own.</summary>
    public DeviceContext CreateContext() => CreateContext(new LaunchLedger(), new MemoryLedger(), null);

    /// <summary>
    /// A new context that books in given ledgers; with <paramref name="bookAs"/> every launch counts as that phase (a predictor
    /// or a reference model beside the network in training counts as <see cref="Phase.Freeze"/>).
    /// </summary>
    public abstract DeviceContext CreateContext(LaunchLedger launches, MemoryLedger memory, Phase? bookAs);

    /// <inheritdoc/>
    public abstract void Dispose();
}
