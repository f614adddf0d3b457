using SmartFrz.Tensors;

namespace SmartFrz.Nn;

/// <summary>A named, trainable tensor of a module.</summary>
public sealed class Parameter : IDisposable
{
    internal Parameter(string name, Variable variable)
    {
        Name = name;
        Variable = variable;
    }

    /// <summary>The full dotted name, as in weights files.</summary>
    public string Name { get; }

    /// <summary>The leaf that operations and the backward pass see.</summary>
    public Variable Variable { get; }

    /// <summary>The tensor that operations take.</summary>
    public Tensor Value => Variable.Value;

    /// <summary>Its shape.</summary>
    public Shape Shape => Value.Shape;

    /// <summary>Whether it is frozen: no gradient, no gradient buffer, no update. Only the freeze state sets it.</summary>
    public bool IsFrozen
    {
        get => !Variable.RequiresGrad;
        internal set => Variable.RequiresGrad = !value;
    }

    /// <inheritdoc/>
    public void Dispose() => Variable.Dispose();

    /// <inheritdoc/>
    public override string ToString() => $"{Name} {Shape}{(IsFrozen ? " (frozen)" : "")}";
}

/// <summary>A named tensor of a module that training changes but no gradient reaches: a running statistic.</summary>
public sealed class ModuleBuffer : IDisposable
{
    internal ModuleBuffer(string name, Tensor value)
    {
        Name = name;
        Value = value;
    }

    /// <summary>The full dotted name, as in weights files.</summary>
    public string Name { get; }

    /// <summary>The tensor.</summary>
    public Tensor Value { get; }

    /// <inheritdoc/>
    public void Dispose() => Value.Dispose();
}

/// <summary>A whole number kept with a module: how many batches a normalisation has seen.</summary>
public sealed class ModuleCounter
{
    internal ModuleCounter(string name) => Name = name;

    /// <summary>The full dotted name, as in weights files.</summary>
    public string Name { get; }

    /// <summary>The count.</summary>
    public long Value { get; set; }
}
