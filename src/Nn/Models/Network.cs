using SmartFrz.Tensors;

namespace SmartFrz.Nn;

/// <summary>How large the units are that policies freeze.</summary>
public enum UnitGranularity
{
    /// <summary>Stem, blocks and head, as the network names them.</summary>
    Blocks,

    /// <summary>Single layers: each matrix or filter with the norm that follows it.</summary>
    Layers,
}

/// <summary>A whole network: input to logits, with its freezable units in forward order.</summary>
public abstract class Network : Module
{
    private IReadOnlyList<FreezableUnit>? _layers;

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

    /// <summary>How large the units are. Set it before anything is frozen.</summary>
    /// <value>Default blocks.</value>
    public UnitGranularity UnitGranularity { get; set; }

    /// <summary>The units that policies freeze, in forward order; the last one is the head.</summary>
    public IReadOnlyList<FreezableUnit> Units =>
        UnitGranularity == UnitGranularity.Blocks ? Blocks : _layers ??= FreezableUnit.LayersOf(this, Blocks);

    /// <summary>Stem, blocks and head in forward order.</summary>
    protected abstract IReadOnlyList<FreezableUnit> Blocks { get; }
}
