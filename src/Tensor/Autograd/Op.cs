using SmartFrz.Kernels;

namespace SmartFrz.Tensors;

/// <summary>
/// A differentiable operation on the tape. It says what it keeps for a given set of needed gradients, what each gradient would
/// cost, and computes those that are asked for and no others.
/// </summary>
public abstract record Op
{
    /// <summary>The operation's name, as in <c>conv2d</c>.</summary>
    public abstract string Name { get; }

    /// <summary>What must be kept so that the gradients in <paramref name="need"/> can be computed; it is never empty.</summary>
    public abstract SavedSet Saves(NeedMask need);

    /// <summary>
    /// Whether the gradient of that input is the output's gradient, element by element. The executor then shares the buffer, and
    /// the operation is not asked.
    /// </summary>
    public virtual bool PassesGradient(int input) => false;

    /// <summary>The operation as a frozen layer computes it, where that is another one: with running statistics.</summary>
    public virtual Op WhenFrozen => this;

    /// <summary>
    /// Whether, for the gradients in <paramref name="need"/>, what is kept suffices to compute the output again in one launch. Then
    /// others' need of the output does not keep its memory.
    /// </summary>
    public virtual bool RebuildsOutput(NeedMask need) => false;

    /// <summary>What that launch costs.</summary>
    public virtual KernelCost RebuildCost => default;

    /// <summary>Computes the output again, the same bits.</summary>
    public virtual void Rebuild(BackwardContext ctx, DeviceBuffer output) => throw new NotSupportedException($"{Name} cannot compute its output again");

    /// <summary>The launches of the forward pass that a frozen layer does without.</summary>
    public virtual LaunchTotals TrainingForward => default;

    /// <summary>
    /// Announces every launch that <see cref="Backward"/> would make for the gradients in <paramref name="need"/>: exactly those,
    /// because the ledger is held against the plan. Inputs that pass the gradient through are not in the mask.
    /// </summary>
    public abstract void Estimate(NeedMask need, BackwardEstimate estimate);

    /// <summary>
    /// Computes the gradients of the inputs that need one. Gradient memory comes through
    /// <see cref="BackwardContext.TryGrad"/> alone, which answers for needed inputs only.
    /// </summary>
    public abstract void Backward(BackwardContext ctx);
}

/// <summary>Where a gradient goes, and whether it is added to what is there.</summary>
public readonly record struct GradTarget(DeviceBuffer Buffer, bool Accumulate);
