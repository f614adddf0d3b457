using SmartFrz.Nn.Weights;
using SmartFrz.Tensors;

namespace SmartFrz.Nn.Data;

/// <summary>One batch as tensors on the host, used as it is: nothing is normalised, augmented or shuffled.</summary>
/// <remarks>File: safetensors with <c>input</c> F32 (N,C,H,W) and, where labels are wanted, <c>target</c> I64 (N).</remarks>
public sealed class TensorBatch
{
    private const string InputName = "input", TargetName = "target", TokensName = "input_ids";

    /// <summary>A batch of images.</summary>
    /// <param name="shape">(N,C,H,W).</param>
    /// <param name="input">The values.</param>
    /// <param name="target">The labels, (N); null for none.</param>
    /// <param name="source">What messages call it: the file's path.</param>
    /// <exception cref="DataFormatException">The sizes do not fit each other.</exception>
    public TensorBatch(Shape shape, float[] input, long[]? target = null, string source = "batch")
    {
        if (shape.Rank != 4 || shape.Count == 0 || shape.Count != input.Length)
        {
            throw new DataFormatException($"{source}: '{InputName}' is {shape} with {input.Length} values, (N,C,H,W) without an extent of 0 is expected");
        }

        if (target is not null && target.Length != shape[0])
        {
            throw new DataFormatException($"{source}: '{InputName}' holds {shape[0]} examples, '{TargetName}' {target.Length} labels");
        }

        (Shape, Input, Target, Source) = (shape, input, target, source);
    }

    /// <summary>The shape of the inputs, (N,C,H,W).</summary>
    public Shape Shape { get; }

    /// <summary>The inputs.</summary>
    public float[] Input { get; }

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
        var input = Find(tensors, path, InputName, "F32", 4, "(N,C,H,W)");
        var labels = target ? Find(tensors, path, TargetName, "I64", 1, "(N)") : null;
        return new TensorBatch(new Shape([.. input.Shape]), input.ToFloats(), labels?.ToLongs(), path);
    }

    /// <summary>Complains where a network cannot take it.</summary>
    /// <exception cref="ShapeException">Its channels are others.</exception>
    /// <exception cref="DataFormatException">A label is none of the network's classes.</exception>
    public void Check(Network network)
    {
        if (Shape[1] != network.InputShape[0])
        {
            throw new ShapeException($"{Source}: '{InputName}' {Shape} has {Shape[1]} channels, {network.Name} expects {network.InputShape[0]}");
        }

        int wrong = Array.FindIndex(Target ?? [], t => t < 0 || t >= network.NumClasses);
        if (wrong >= 0)
        {
            throw new DataFormatException($"{Source}: label {Target![wrong]} of example {wrong} is none of the {network.NumClasses} classes of {network.Name}");
        }
    }

    private static StoredTensor Find(OrderedDictionary<string, StoredTensor> tensors, string path, string name, string type, int rank, string shape)
    {
        if (!tensors.TryGetValue(name, out var tensor))
        {
            string reason = tensors.ContainsKey(TokensName) ? $"it holds '{TokensName}', and this version has networks for images only" : $"it holds {Names(tensors)}";
            throw new DataFormatException($"{path}: there is no tensor '{name}' {type} {shape}; {reason}");
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
