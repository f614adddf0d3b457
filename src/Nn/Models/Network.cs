using SmartFrz.Kernels;
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
    private IReadOnlyList<InputSpec>? _inputs;

    /// <summary>A network in a root scope.</summary>
    protected Network(ModuleScope scope)
        : base(scope)
    {
    }

    /// <summary>The name it was built by, as in <c>resnet20</c>.</summary>
    public abstract string Name { get; }

    /// <summary>The shape of one example of the first input: (C,H,W) of an image, (T) of a text.</summary>
    public abstract Shape InputShape { get; }

    /// <summary>The tensors it takes, in the order that <see cref="Call(IReadOnlyList{Tensor})"/> has.</summary>
    /// <value>By default one image.</value>
    public virtual IReadOnlyList<InputSpec> Inputs => _inputs ??= [new InputSpec(InputSpec.Image, DType.F32, InputShape)];

    /// <summary>The number of classes.</summary>
    public abstract int NumClasses { get; }

    /// <summary>How large the units are. Set it before anything is frozen.</summary>
    /// <value>Default blocks.</value>
    public UnitGranularity UnitGranularity { get; set; }

    /// <summary>The units that policies freeze, in forward order; the last one is the head.</summary>
    public IReadOnlyList<FreezableUnit> Units =>
        UnitGranularity == UnitGranularity.Blocks ? Blocks : _layers ??= FreezableUnit.LayersOf(this, Blocks);

    /// <summary>Computes the logits of a batch.</summary>
    /// <param name="inputs">The tensors of <see cref="Inputs"/>, examples first.</param>
    /// <exception cref="ShapeException">Their number or a shape does not fit.</exception>
    public Tensor Call(IReadOnlyList<Tensor> inputs)
    {
        if (inputs.Count != Inputs.Count)
        {
            throw new ShapeException($"{Name}: {inputs.Count} inputs, expected {string.Join(", ", Inputs.Select(i => i.Name))}");
        }

        var call = Enter();
        return call.Return(Forward(inputs));
    }

    /// <summary>Complains where an input has extents that the network does not take.</summary>
    /// <param name="spec">One of <see cref="Inputs"/>.</param>
    /// <param name="shape">The shape of an example; an extent of 0 varies.</param>
    /// <param name="source">What messages call the batches.</param>
    /// <exception cref="ShapeException">It has.</exception>
    protected internal virtual void CheckInput(InputSpec spec, Shape shape, string source)
    {
        if (shape.Rank != spec.Shape.Rank)
        {
            throw new ShapeException($"{source}: '{spec.Name}' of an example is {shape}, {Name} expects {spec.Shape}");
        }

        // Convolutions take images of any size; what does not fit there is told by the layer that it does not fit.
        if (spec.Name == InputSpec.Image && shape[0] != spec.Shape[0])
        {
            throw new ShapeException($"{source}: '{spec.Name}' {shape} has {shape[0]} channels, {Name} expects {spec.Shape[0]}");
        }
    }

    /// <summary>The computation itself, from all inputs.</summary>
    protected virtual Tensor Forward(IReadOnlyList<Tensor> inputs) => Forward(inputs[0]);

    /// <summary>Stem, blocks and head in forward order.</summary>
    protected abstract IReadOnlyList<FreezableUnit> Blocks { get; }
}
