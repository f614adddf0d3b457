using SmartFrz.Kernels;
using SmartFrz.Nn.Weights;
using SmartFrz.Tensors;

namespace SmartFrz.Nn.Data;

/// <summary>One batch as tensors on the host, used as it is: nothing is normalised, augmented or shuffled.</summary>
/// <remarks>
/// File: safetensors with <c>input</c> F32 (N,C,H,W), or <c>input_ids</c> and, where they differ from 0 and 1, <c>token_type_ids</c> and
/// <c>attention_mask</c>, I64 (N,T); where labels are wanted, <c>target</c> I64 (N).
/// </remarks>
public sealed class TensorBatch
{
    private const string TargetName = "target";

    /// <summary>A batch of images.</summary>
    /// <param name="shape">(N,C,H,W).</param>
    /// <param name="input">The values.</param>
    /// <param name="target">The labels, (N); null for none.</param>
    /// <param name="source">What messages call it: the file's path.</param>
    /// <exception cref="DataFormatException">The sizes do not fit each other.</exception>
    public TensorBatch(Shape shape, float[] input, long[]? target = null, string source = "batch")
        : this([Image(shape, input, source)], target, source)
    {
    }

    /// <summary>A batch of any tensors.</summary>
    /// <param name="inputs">The tensors, examples first.</param>
    /// <param name="target">The labels, (N); null for none.</param>
    /// <param name="source">What messages call it: the file's path.</param>
    /// <exception cref="DataFormatException">The sizes do not fit each other.</exception>
    public TensorBatch(IReadOnlyList<HostInput> inputs, long[]? target = null, string source = "batch")
    {
        var first = inputs.Count > 0 ? inputs[0] : throw new DataFormatException($"{source}: there is no tensor");
        foreach (var input in inputs)
        {
            if (input.Shape.Rank == 0 || input.Shape.Count == 0 || input.Shape[0] != first.Shape[0])
            {
                throw new DataFormatException($"{source}: '{first.Name}' is {first.Shape} and '{input.Name}' {input.Shape}, as many examples are expected, and no extent of 0");
            }
        }

        if (target is not null && target.Length != first.Shape[0])
        {
            throw new DataFormatException($"{source}: '{first.Name}' holds {first.Shape[0]} examples, '{TargetName}' {target.Length} labels");
        }

        (Inputs, Target, Source) = (inputs, target, source);
    }

    /// <summary>The tensors.</summary>
    public IReadOnlyList<HostInput> Inputs { get; }

    /// <summary>The examples.</summary>
    public int Count => Inputs[0].Shape[0];

    /// <summary>The labels, (N); null for none.</summary>
    public long[]? Target { get; }

    /// <summary>What messages call it.</summary>
    public string Source { get; }

    /// <summary>Reads a file. What else it holds is passed over.</summary>
    /// <param name="path">The file.</param>
    /// <param name="target">Whether labels are needed; else they are not looked at.</param>
    /// <exception cref="WeightsFormatException">It is missing or no sound safetensors file.</exception>
    /// <exception cref="DataFormatException">A tensor is missing, or of another type or shape.</exception>
    public static TensorBatch Read(string path, bool target)
    {
        var tensors = SafeTensors.Read(path).Tensors;
        var inputs = tensors.ContainsKey(InputSpec.Tokens) && !tensors.ContainsKey(InputSpec.Image) ? Text(tensors, path) : [ReadImage(tensors, path)];
        var labels = target ? Find(tensors, path, TargetName, "I64", 1, "(N)") : null;
        return new TensorBatch(inputs, labels?.ToLongs(), path);
    }

    /// <summary>Complains where a network cannot take it.</summary>
    /// <exception cref="ShapeException">A tensor is lacking or has extents that the network does not take.</exception>
    /// <exception cref="DataFormatException">A label is none of the network's classes, or a number none that it knows.</exception>
    public void Check(Network network)
    {
        StagedInputs.Check(network, [.. Inputs.Select(i => new InputSpec(i.Name, i.HoldsIntegers ? DType.I32 : DType.F32, new Shape(i.Shape.ToArray().AsSpan(1))))], Source);
        foreach (var spec in network.Inputs.Where(s => s.Limit is not null))
        {
            var numbers = Inputs.FirstOrDefault(i => i.Name == spec.Name).Integers.ToArray();
            int outside = Array.FindIndex(numbers, n => n < 0 || n >= spec.Limit);
            if (outside >= 0)
            {
                throw new DataFormatException(
                    $"{Source}: '{spec.Name}' of example {outside / (numbers.Length / Count)} holds {numbers[outside]}, {network.Name} takes 0 to {spec.Limit - 1}");
            }
        }

        int wrong = Array.FindIndex(Target ?? [], t => t < 0 || t >= network.NumClasses);
        if (wrong >= 0)
        {
            throw new DataFormatException($"{Source}: label {Target![wrong]} of example {wrong} is none of the {network.NumClasses} classes of {network.Name}");
        }
    }

    /// <summary>Copies the tensors to the device of a network that can take them.</summary>
    /// <returns>What holds the tensors, and the tensors as <see cref="Network.Call(IReadOnlyList{Tensor})"/> takes them.</returns>
    public (IDisposable Owner, IReadOnlyList<Tensor> Inputs) ToDevice(Network network)
    {
        var staged = new StagedInputs(network, Inputs);
        staged.Load(Inputs);
        return (staged, staged.Tensors);
    }

    private static HostInput Image(Shape shape, float[] input, string source) =>
        shape.Rank == 4 && shape.Count > 0 && shape.Count == input.Length
            ? new HostInput(InputSpec.Image, shape, input)
            : throw new DataFormatException($"{source}: '{InputSpec.Image}' is {shape} with {input.Length} values, (N,C,H,W) without an extent of 0 is expected");

    private static HostInput ReadImage(OrderedDictionary<string, StoredTensor> tensors, string path)
    {
        var input = Find(tensors, path, InputSpec.Image, "F32", 4, "(N,C,H,W)");
        return Image(new Shape([.. input.Shape]), input.ToFloats(), path);
    }

    private static List<HostInput> Text(OrderedDictionary<string, StoredTensor> tensors, string path)
    {
        var inputs = new List<HostInput>();
        foreach (string name in new[] { InputSpec.Tokens, InputSpec.TokenTypes, InputSpec.AttentionMask })
        {
            if (name != InputSpec.Tokens && !tensors.ContainsKey(name))
            {
                continue;
            }

            var shape = new Shape([.. Find(tensors, path, name, "I64", 2, "(N,T)").Shape]);
            if (inputs.Count > 0 && shape != inputs[0].Shape)
            {
                throw new DataFormatException($"{path}: '{InputSpec.Tokens}' is {inputs[0].Shape}, '{name}' is {shape}, the same shape is expected");
            }

            // Beyond 32 bits is no number of a token: it stays one that no network knows.
            inputs.Add(new HostInput(name, shape, tensors[name].ToLongs().Select(n => (int)Math.Clamp(n, int.MinValue, int.MaxValue)).ToArray()));
        }

        return inputs;
    }

    private static StoredTensor Find(OrderedDictionary<string, StoredTensor> tensors, string path, string name, string type, int rank, string shape)
    {
        if (!tensors.TryGetValue(name, out var tensor))
        {
            throw new DataFormatException($"{path}: there is no tensor '{name}' {type} {shape}; it holds {Names(tensors)}");
        }

        return tensor.DType == type && tensor.Shape.Count == rank
            ? tensor
            : throw new DataFormatException($"{path}: '{name}' is {tensor}, expected {type} {shape}");
    }

    private static string Names(OrderedDictionary<string, StoredTensor> tensors)
    {
        // More names than these help nobody.
        const int Most = 8;
        return tensors.Count == 0 ? "nothing" : string.Join(", ", tensors.Keys.Take(Most)) + (tensors.Count > Most ? $" and {tensors.Count - Most} more" : "");
    }
}
