using SmartFrz.Tensors;

namespace SmartFrz.Nn;

/// <summary>A whole network: input to logits, with its freezable units in forward order.</summary>
public abstract class Network : Module
{
    /// <summary>A network in a root scope.</summary>
    protected Network(ModuleScope scope)
        : base(scope)
    {
    }

    /// <summary>The name it was built by, as in <c>resnet20</c>.</summary>
    public abstract string Name { get; }

    /// <summary>The shape of one input, without the batch: (C,H,W).</summary>
    public abstract Shape InputShape { get; }

    /// <summary>The number of classes.</summary>
    public abstract int NumClasses { get; }

    /// <summary>The units that policies freeze, in forward order; the last one is the head.</summary>
    public abstract IReadOnlyList<FreezableUnit> Units { get; }
}
