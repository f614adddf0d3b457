namespace SmartFrz.Kernels;

/// <summary>What a kernel launch was for. The ledgers add up by phase.</summary>
public enum Phase
{
    /// <summary>Computes the network's outputs.</summary>
    Forward,

    /// <summary>Computes the gradient of an activation.</summary>
    BackwardInput,

    /// <summary>Computes the gradient of a parameter.</summary>
    BackwardWeight,

    /// <summary>Optimizer work: gradient norms, clipping, parameter updates.</summary>
    Update,

    /// <summary>The cost of deciding what to freeze: weight history, predictor, similarity. Counted against the savings.</summary>
    Freeze,

    /// <summary>Moving and preparing input data.</summary>
    Data,
}

/// <summary>What a device buffer holds.</summary>
public enum BufferKind
{
    /// <summary>Parameters and the buffers of modules (running statistics).</summary>
    Parameter,

    /// <summary>Gradients of parameters.</summary>
    Gradient,

    /// <summary>Momentum and moment estimates.</summary>
    OptimizerState,

    /// <summary>Activations that the tape keeps for the backward pass.</summary>
    SavedActivation,

    /// <summary>Everything that lives shorter: activations in flight, their gradients, scratch memory.</summary>
    Workspace,

    /// <summary>Copies kept for speed (folded weights, cached activations) and the freezing machinery's own memory.</summary>
    Cache,

    /// <summary>The fixed places that each step's batch is copied to.</summary>
    Input,
}

/// <summary>A layer's place in the ledgers: a small number for a dotted module name. Zero is "no layer".</summary>
public readonly record struct LayerId(int Index)
{
    /// <summary>No layer.</summary>
    public static LayerId None => default;
}

/// <summary>The work a launch must do at least.</summary>
/// <param name="Flops">Floating point operations; a multiply-add counts as 2.</param>
/// <param name="Bytes">Bytes that must be read and written once.</param>
public readonly record struct KernelCost(long Flops, long Bytes)
{
    /// <summary>The sum of two costs.</summary>
    public static KernelCost operator +(KernelCost a, KernelCost b) => new(a.Flops + b.Flops, a.Bytes + b.Bytes);

    /// <summary>The cost of an elementwise pass: some flops per element and whole arrays of four-byte words.</summary>
    public static KernelCost Elementwise(long elements, int flopsPerElement, int arrays) =>
        new(elements * flopsPerElement, elements * arrays * sizeof(float));
}

/// <summary>One kernel launch as the ledger saw it.</summary>
public readonly record struct LaunchRecord(string Kernel, LayerId Layer, Phase Phase, KernelCost Cost, double Seconds);

/// <summary>Totals over launches.</summary>
public readonly record struct LaunchTotals(long Launches, long Flops, long Bytes, double Seconds)
{
    /// <summary>The sum of two totals.</summary>
    public static LaunchTotals operator +(LaunchTotals a, LaunchTotals b) =>
        new(a.Launches + b.Launches, a.Flops + b.Flops, a.Bytes + b.Bytes, a.Seconds + b.Seconds);

    /// <summary>The difference of two totals.</summary>
    public static LaunchTotals operator -(LaunchTotals a, LaunchTotals b) =>
        new(a.Launches - b.Launches, a.Flops - b.Flops, a.Bytes - b.Bytes, a.Seconds - b.Seconds);
}
