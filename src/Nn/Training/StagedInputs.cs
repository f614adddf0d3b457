using SmartFrz.Kernels;
using SmartFrz.Tensors;

namespace SmartFrz.Nn;

/// <summary>Fixed places on the device for the tensors that a network takes, in its order.</summary>
internal sealed class StagedInputs : IDisposable
{
    private readonly Engine _engine;
    private readonly int[] _from;
    private readonly float[]?[] _converted;
    private readonly Tensor[] _tensors;

    /// <summary>Places for batches that look like this one.</summary>
    public StagedInputs(Network network, IReadOnlyList<HostInput> batch)
    {
        _engine = network.Engine;
        var specs = network.Inputs;
        (_from, _converted, _tensors) = (new int[specs.Count], new float[specs.Count][], new Tensor[specs.Count]);
        for (int i = 0; i < specs.Count; i++)
        {
            var spec = specs[i];
            _from[i] = IndexOf(batch, spec.Name);
            // What a batch does not bring has the extents of the first tensor, as far as they go.
            var shape = _from[i] >= 0 ? batch[_from[i]].Shape : batch[0].Shape;
            // Inputs stay where they are whether a layer saves them or not: they are no saved activations.
            _tensors[i] = _engine.NewPersistent(shape, spec.DType, BufferKind.Input);
            if (_from[i] < 0)
            {
                var values = new int[shape.Count];
                Array.Fill(values, spec.Default ?? throw new ShapeException($"the batch has no '{spec.Name}', {network.Name} needs it"));
                Upload(i, new HostInput(spec.Name, shape, values));
            }
        }
    }

    /// <summary>The tensors, in the network's order.</summary>
    public IReadOnlyList<Tensor> Tensors => _tensors;

    /// <summary>Complains where a network cannot take such tensors.</summary>
    /// <param name="network">The network.</param>
    /// <param name="offered">What batches hold.</param>
    /// <param name="source">What messages call them.</param>
    /// <exception cref="ShapeException">A tensor is lacking, or has other extents than the network takes.</exception>
    public static void Check(Network network, IReadOnlyList<InputSpec> offered, string source)
    {
        foreach (var spec in network.Inputs)
        {
            if (offered.FirstOrDefault(o => o.Name == spec.Name) is not { } found)
            {
                _ = spec.Default ?? throw new ShapeException(
                    $"{source} has {string.Join(", ", offered.Select(o => $"'{o.Name}'"))}, {network.Name} expects '{spec.Name}'");
                continue;
            }

            network.CheckInput(spec, found.Shape, source);
            if (found.Limit > spec.Limit)
            {
                throw new ShapeException($"{source} has numbers below {found.Limit} in '{spec.Name}', {network.Name} takes those below {spec.Limit}");
            }
        }
    }

    /// <summary>Whether a batch has the shapes of these places.</summary>
    public bool Fits(IReadOnlyList<HostInput> batch)
    {
        for (int i = 0; i < _tensors.Length; i++)
        {
            if (batch[Math.Max(0, _from[i])].Shape != _tensors[i].Shape)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Copies a batch to its places.</summary>
    public void Load(IReadOnlyList<HostInput> batch)
    {
        for (int i = 0; i < _tensors.Length; i++)
        {
            if (_from[i] >= 0)
            {
                Upload(i, batch[_from[i]]);
            }
        }
    }

    public void Dispose()
    {
        foreach (var tensor in _tensors)
        {
            tensor?.Dispose();
        }
    }

    private static int IndexOf(IReadOnlyList<HostInput> batch, string name)
    {
        for (int i = 0; i < batch.Count; i++)
        {
            if (batch[i].Name == name)
            {
                return i;
            }
        }

        return -1;
    }

    private void Upload(int place, in HostInput input)
    {
        var (tensor, context) = (_tensors[place], _engine.Context);
        if (tensor.DType == DType.I32)
        {
            context.Upload(input.Integers.Span, tensor.Buffer);
        }
        else if (!input.HoldsIntegers)
        {
            context.Upload(input.Floats.Span, tensor.Buffer);
        }
        else
        {
            float[] values = _converted[place] ??= new float[input.Shape.Count];
            var integers = input.Integers.Span;
            for (int i = 0; i < values.Length; i++)
            {
                values[i] = integers[i];
            }

            context.Upload<float>(values, tensor.Buffer);
        }
    }
}
