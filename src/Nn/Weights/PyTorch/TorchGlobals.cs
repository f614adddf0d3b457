using System.Collections.Frozen;
using SmartFrz.Nn.Options;

namespace SmartFrz.Nn.Weights;

/// <summary>All that a pickle may ask for by name, and what is built for it.</summary>
internal static class TorchGlobals
{
    private static readonly FrozenDictionary<string, PickleGlobal> Known = All().ToFrozenDictionary(g => g.Name, StringComparer.Ordinal);

    /// <summary>A name on the list, or null.</summary>
    public static PickleGlobal? Find(string module, string name) => Known.GetValueOrDefault($"{module}.{name}");

    private static IEnumerable<PickleGlobal> All()
    {
        (string Class, string Type)[] storages =
        [
            ("Double", "F64"), ("Float", "F32"), ("Half", "F16"), ("BFloat16", "BF16"), ("Long", "I64"), ("Int", "I32"), ("Byte", "U8"), ("Bool", "BOOL"),
        ];
        foreach (var (name, type) in storages)
        {
            yield return new PickleGlobal($"torch.{name}Storage", type, null);
            yield return new PickleGlobal($"torch.cuda.{name}Storage", type, null);
        }

        yield return new PickleGlobal("collections.OrderedDict", null, Dictionary);
        yield return new PickleGlobal("torch._utils._rebuild_tensor", null, Tensor);
        yield return new PickleGlobal("torch._utils._rebuild_tensor_v2", null, Tensor);
        yield return new PickleGlobal("torch._utils._rebuild_parameter", null, Parameter);
        yield return new PickleGlobal("torch._utils._rebuild_parameter_with_state", null, Parameter);
        yield return new PickleGlobal("torch.Size", null, Size);
        foreach (string set in (string[])["builtins.set", "__builtin__.set", "builtins.frozenset", "__builtin__.frozenset"])
        {
            yield return new PickleGlobal(set, null, Set);
        }

        // What stands beside the weights in a checkpoint and holds none.
        string[] inert =
        [
            "numpy.dtype", "numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar", "_codecs.encode", "torch.device",
            .. ((string[])["float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool"]).Select(t => "torch." + t),
        ];
        foreach (string name in inert)
        {
            yield return new PickleGlobal(name, null, (_, _) => PickleInert.Instance);
        }
    }

    // (), or ([[key, value], …],) as Python 2 wrote it.
    private static PickleDict Dictionary(PickleBytes bytes, object?[] arguments)
    {
        var dictionary = new PickleDict();
        if (arguments.Length == 0)
        {
            return dictionary;
        }

        foreach (object? pair in arguments is [List<object?> list] ? list : throw Wrong(bytes, "collections.OrderedDict"))
        {
            var (key, value) = pair switch
            {
                List<object?> { Count: 2 } p => (p[0], p[1]),
                object?[] { Length: 2 } p => (p[0], p[1]),
                _ => throw Wrong(bytes, "collections.OrderedDict"),
            };
            dictionary.Set(key, value);
        }

        return dictionary;
    }

    // (storage, offset, size, stride[, requires_grad, hooks[, metadata]]).
    private static TorchTensor Tensor(PickleBytes bytes, object?[] arguments)
    {
        const string name = "torch._utils._rebuild_tensor";
        if (arguments is not [TorchStorage storage, long offset, object?[] size, object?[] stride, ..] || arguments.Length > 7
            || size.Length != stride.Length || !size.All(v => v is long) || !stride.All(v => v is long))
        {
            throw Wrong(bytes, name);
        }

        if (arguments.Length == 7 && arguments[6] is PickleDict { Entries.Count: > 0 } metadata)
        {
            throw bytes.Fail($"a tensor is stored as '{MessageText.Printable(metadata.Entries.GetAt(0).Key)}' of its elements, which is not read; write it as it is");
        }

        return new TorchTensor(storage, offset, [.. size.Select(v => (long)v!)], [.. stride.Select(v => (long)v!)]);
    }

    // (data, requires_grad, hooks[, state]).
    private static TorchTensor Parameter(PickleBytes bytes, object?[] arguments) =>
        arguments is [TorchTensor tensor, ..] && arguments.Length is 3 or 4 ? tensor : throw Wrong(bytes, "torch._utils._rebuild_parameter");

    private static object?[] Size(PickleBytes bytes, object?[] arguments) => arguments switch
    {
        [object?[] extents] => extents,
        [List<object?> extents] => [.. extents],
        _ => throw Wrong(bytes, "torch.Size"),
    };

    private static List<object?> Set(PickleBytes bytes, object?[] arguments) => arguments switch
    {
        [] => [],
        [List<object?> elements] => elements,
        [object?[] elements] => [.. elements],
        _ => throw Wrong(bytes, "set"),
    };

    private static WeightsFormatException Wrong(PickleBytes bytes, string name) => bytes.Fail(bytes.At($"arguments that {name} does not take"));
}
