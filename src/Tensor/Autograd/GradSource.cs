namespace SmartFrz.Tensors;

/// <summary>Where the gradient of a tensor would go: to a tape node, to a variable, or nowhere and why.</summary>
internal readonly record struct GradSource
{
    private readonly Kind _kind;

    private GradSource(Kind kind, TapeNode? node = null, Variable? variable = null)
    {
        _kind = kind;
        Node = node;
        Variable = variable;
    }

    private enum Kind
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

    /// <summary>Cut off on purpose.</summary>
    public static GradSource Detached => new(Kind.Detached);

    public TapeNode? Node { get; }

    public Variable? Variable { get; }

    public bool NeedsGradient => _kind == Kind.Node || (_kind == Kind.Variable && Variable!.RequiresGrad);

    public SkipReason SkipReason => _kind switch
    {
        Kind.Data => SkipReason.InputIsData,
        Kind.Variable => SkipReason.FrozenParameter,
        Kind.Detached => SkipReason.Detached,
        _ => SkipReason.NothingTrainableBelow,
    };

    public static GradSource Of(TapeNode node) => new(Kind.Node, node: node);

    public static GradSource Of(Variable variable) => new(Kind.Variable, variable: variable);
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
