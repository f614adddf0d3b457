using SmartFrz.Kernels;

namespace SmartFrz.Tensors;

/// <summary>What the executor does about the gradient of one operand.</summary>
internal enum GradAction
{
    /// <summary>Nothing.</summary>
    Skip,

    /// <summary>The operation writes it into fresh memory.</summary>
    Write,

    /// <summary>The operation adds it to what is there.</summary>
    Add,

    /// <summary>The memory there has another reader: copy it, then the operation adds to the copy.</summary>
    CopyThenAdd,

    /// <summary>It is the output's gradient: share that memory.</summary>
    Share,

    /// <summary>It is the output's gradient, copied into the variable's own memory.</summary>
    PassCopy,

    /// <summary>The output's gradient is added to what is there.</summary>
    PassAdd,

    /// <summary>The memory there has another reader: copy it, then add the output's gradient.</summary>
    PassCopyThenAdd,
}

/// <summary>One operation of the backward pass.</summary>
public sealed class PlanStep
{
    internal PlanStep(TapeNode node, NeedMask ofOp, GradAction[] actions, TapeNode?[] makers, LaunchTotals backwardInput, LaunchTotals backwardWeight)
    {
        Node = node;
        OfOp = ofOp;
        Actions = actions;
        Makers = makers;
        BackwardInput = backwardInput;
        BackwardWeight = backwardWeight;
    }

    /// <summary>The operation's name.</summary>
    public string Op => Node.Op.Name;

    /// <summary>The layer it belongs to.</summary>
    public LayerId Layer => Node.Layer;

    /// <summary>The operands whose gradients are computed.</summary>
    public NeedMask Need => Node.Need;

    /// <summary>The part of the forward pass that the operation would do without if its layer were frozen.</summary>
    public LaunchTotals TrainingForward => Node.Op.TrainingForward;

    /// <summary>Predicted launches for gradients of activations.</summary>
    public LaunchTotals BackwardInput { get; }

    /// <summary>Predicted launches for gradients of parameters.</summary>
    public LaunchTotals BackwardWeight { get; }

    internal TapeNode Node { get; }

    /// <summary>The operands that the operation itself is asked for.</summary>
    internal NeedMask OfOp { get; }

    internal GradAction[] Actions { get; }

    /// <summary>For each input, who would have to compute it again.</summary>
    internal TapeNode?[] Makers { get; }
}

/// <summary>A gradient that is not computed: what it would have cost, and why it is not needed.</summary>
/// <param name="Op">The operation.</param>
/// <param name="Layer">The layer it belongs to.</param>
/// <param name="Input">The operand whose gradient is skipped.</param>
/// <param name="Reason">Why.</param>
/// <param name="Phase">The phase it would have been booked in.</param>
/// <param name="Avoided">Launches, FLOPs and bytes it would have cost.</param>
public readonly record struct SkipRecord(string Op, LayerId Layer, int Input, SkipReason Reason, Phase Phase, LaunchTotals Avoided);

/// <summary>A backward pass before it runs: what is done, what is skipped and why. The executor follows it and reads no flag.</summary>
public sealed class BackwardPlan
{
    private readonly LaunchTotals _seed;

    internal BackwardPlan(IReadOnlyList<PlanStep> steps, IReadOnlyList<SkipRecord> skips, LaunchTotals seed)
    {
        _seed = seed;
        Steps = steps;
        Skips = skips;
        (BackwardInput, BackwardWeight) = Sum(steps, seed);
    }

    /// <summary>The operations, in the order they run.</summary>
    public IReadOnlyList<PlanStep> Steps { get; }

    /// <summary>The gradients that are not computed.</summary>
    public IReadOnlyList<SkipRecord> Skips { get; }

    /// <summary>Predicted launches for gradients of activations, the seed of the loss included.</summary>
    public LaunchTotals BackwardInput { get; }

    /// <summary>Predicted launches for gradients of parameters.</summary>
    public LaunchTotals BackwardWeight { get; }

    /// <summary>What the same backward pass would launch if some more variables were frozen.</summary>
    /// <param name="frozen">Tells the variables that need no gradient any more.</param>
    /// <returns>Launches for gradients of activations, the seed included, and of parameters; nothing when nothing trainable is left.</returns>
    public (LaunchTotals BackwardInput, LaunchTotals BackwardWeight) WithFrozen(Predicate<Variable> frozen)
    {
        var steps = BackwardPlanner.WithFrozen(this, frozen);
        return steps.Count == 0 ? default : Sum(steps, _seed);
    }

    private static (LaunchTotals Input, LaunchTotals Weight) Sum(IReadOnlyList<PlanStep> steps, LaunchTotals seed)
    {
        var input = seed;
        LaunchTotals weight = default;
        foreach (var step in steps)
        {
            input += step.BackwardInput;
            weight += step.BackwardWeight;
        }

        return (input, weight);
    }
}
