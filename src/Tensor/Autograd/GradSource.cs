namespace SmartFrz.Tensors;

/// <summary>Where the gradient of a tensor would go: to a tape node, to a variable, or nowhere and why.</summary>
internal readonly struct GradSource
{
    private readonly object? _target;
    private readonly int _generation;
    private readonly Kind _kind;

    private GradSource(Kind kind, object? target = null, int generation = 0) => (_kind, _target, _generation) = (kind, target, generation);

    private enum Kind : byte
    {
        Data,
        Node,
        Variable,
        NothingTrainable,
        Detached,
    }

    /// <summary>Input data.</summary>
    public static GradSource Data => new(Kind.Data);

    /// <summary>A result of frozen or constant operands only.</summary>
    public static GradSource NothingTrainable => new(Kind.NothingTrainable);

    /// <summary>Cut off: on purpose, or because the tape it was recorded on has been used up.</summary>
    public static GradSource Detached => new(Kind.Detached);

    public TapeNode? Node => _kind == Kind.Node ? (TapeNode)_target! : null;

    public Variable? Variable => _kind == Kind.Variable ? (Variable)_target! : null;

    public bool NeedsGradient => _kind switch
    {
        Kind.Node => true,
        Kind.Variable => ((Variable)_target!).RequiresGrad,
        _ => false,
    };

    public SkipReason SkipReason => _kind switch
    {
        Kind.Data => SkipReason.InputIsData,
        Kind.Variable => SkipReason.FrozenParameter,
        Kind.Detached => SkipReason.Detached,
        _ => SkipReason.NothingTrainableBelow,
    };

    public static GradSource Of(TapeNode node) => new(Kind.Node, node, node.Generation);

    public static GradSource Of(Variable variable) => new(Kind.Variable, variable);

    /// <summary>The same, cut off if its tape has been used up since.</summary>
    public GradSource Now() => _kind == Kind.Node && ((TapeNode)_target!).Generation != _generation ? Detached : this;

    /// <summary>Whether gradients go to the same place for the same reason.</summary>
    public bool SameTarget(GradSource other) => _kind == other._kind && ReferenceEquals(_target, other._target);
}

/// <summary>Why a gradient is not computed.</summary>
public enum SkipReason
{
    /// <summary>The operand is input data.</summary>
    InputIsData,

    /// <summary>The operand is a parameter that is frozen.</summary>
    FrozenParameter,

    /// <summary>The operand was computed from data and frozen parameters only.</summary>
    NothingTrainableBelow,

    /// <summary>The operand was detached from the tape.</summary>
    Detached,

    /// <summary>The result does not reach the loss.</summary>
    NotUsedByLoss,
}
