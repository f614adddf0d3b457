using SmartFrz.Tensors;

namespace SmartFrz.Nn;

/// <summary>One of the tensors of a batch, on the host: floats or whole numbers.</summary>
public readonly struct HostInput
{
    /// <summary>A tensor of floats.</summary>
    /// <exception cref="ArgumentException">There are not as many values as the shape has elements.</exception>
    public HostInput(string name, Shape shape, ReadOnlyMemory<float> values)
        : this(name, shape, values.Length) => Floats = values;

    /// <summary>A tensor of whole numbers.</summary>
    /// <exception cref="ArgumentException">There are not as many values as the shape has elements.</exception>
    public HostInput(string name, Shape shape, ReadOnlyMemory<int> values)
        : this(name, shape, values.Length) => (Integers, HoldsIntegers) = (values, true);

    private HostInput(string name, Shape shape, int count)
    {
        (Name, Shape) = (name, shape);
        if (shape.Count != count)
        {
            throw new ArgumentException($"'{name}' {shape} has {shape.Count} elements, {count} values were given");
        }
    }

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary>Its shape, examples first.</summary>
    public Shape Shape { get; }

    /// <summary>The values, where it holds floats.</summary>
    public ReadOnlyMemory<float> Floats { get; }

    /// <summary>The values, where it holds whole numbers.</summary>
    public ReadOnlyMemory<int> Integers { get; }

    /// <summary>Whether it holds whole numbers.</summary>
    public bool HoldsIntegers { get; }

    /// <summary>The same with values of its own.</summary>
    public HostInput Copy() => HoldsIntegers ? new HostInput(Name, Shape, Integers.ToArray()) : new HostInput(Name, Shape, Floats.ToArray());

    /// <summary>Some of its examples.</summary>
    public HostInput Examples(int first, int count)
    {
        int size = (int)(Shape.Count / Math.Max(1, Shape[0]));
        var shape = Shape.With(0, count);
        return HoldsIntegers
            ? new HostInput(Name, shape, Integers.Slice(first * size, count * size))
            : new HostInput(Name, shape, Floats.Slice(first * size, count * size));
    }
}
