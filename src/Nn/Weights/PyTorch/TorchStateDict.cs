using SmartFrz.Nn.Options;

namespace SmartFrz.Nn.Weights;

/// <summary>Finds the network's tensors among what a PyTorch file holds.</summary>
internal static class TorchStateDict
{
    // Far deeper than checkpoints go.
    private const int DeepestDictionary = 8;

    // Where the training scripts that people use put the weights, the commonest name first.
    private static readonly string[] Keys =
        ["state_dict", "model_state_dict", "model_state", "model", "module", "net", "network", "weights", "params"];

    // What DataParallel and torch.compile put before every name.
    private static readonly string[] Prefixes = ["module.", "_orig_mod."];

    /// <summary>The tensors of the state dictionary: the root, or what it holds under <c>state_dict</c>, <c>model</c> or the like.</summary>
    /// <remarks>A prefix that every name has because the network was wrapped is left out.</remarks>
    /// <exception cref="WeightsFormatException">There is none, or none is to be preferred.</exception>
    public static OrderedDictionary<string, TorchTensor> Find(object? root, PickleBytes bytes)
    {
        var found = new OrderedDictionary<string, TorchTensor>(StringComparer.Ordinal);
        foreach (var (name, value) in Locate(root, bytes).Entries)
        {
            if (value is TorchTensor tensor)
            {
                found.Add(name, tensor);
            }
        }

        // Each of them once, in whichever order.
        for (int i = 0; i < Prefixes.Length; i++)
        {
            string? prefix = Array.Find(Prefixes, p => found.Keys.All(k => k.StartsWith(p, StringComparison.Ordinal)));
            if (prefix is null || found.Count == 0)
            {
                break;
            }

            var bare = new OrderedDictionary<string, TorchTensor>(StringComparer.Ordinal);
            foreach (var (name, tensor) in found)
            {
                bare.Add(name[prefix.Length..], tensor);
            }

            found = bare;
        }

        return found;
    }

    private static PickleDict Locate(object? root, PickleBytes bytes)
    {
        if (root is not PickleDict dictionary)
        {
            throw bytes.Fail($"the file holds {Unpickler.Describe(root)}, a dictionary of tensors is expected");
        }

        for (int depth = 0; depth < DeepestDictionary; depth++)
        {
            string? key = Array.Find(Keys, k => dictionary.Entries.GetValueOrDefault(k) is PickleDict);
            if (key is null && HoldsTensors(dictionary))
            {
                return dictionary;
            }

            var inner = key is not null ? [key] : dictionary.Entries.Where(e => e.Value is PickleDict d && HoldsTensors(d)).Select(e => e.Key).ToArray();
            if (inner.Length != 1)
            {
                throw bytes.Fail(inner.Length == 0
                    ? $"there are no tensors in the file; it holds {Names(dictionary.Entries.Keys)}"
                    : $"there are {inner.Length} dictionaries of tensors in the file, {Names(inner)}, and none is called {string.Join(", ", Keys[..^1])} or {Keys[^1]}");
            }

            dictionary = (PickleDict)dictionary.Entries[inner[0]]!;
        }

        throw bytes.Fail($"the dictionaries in the file are nested deeper than {DeepestDictionary}");
    }

    private static bool HoldsTensors(PickleDict dictionary) => dictionary.Entries.Values.Any(v => v is TorchTensor);

    private static string Names(ICollection<string> names)
    {
        const int Most = 8;
        return names.Count == 0 ? "nothing"
            : string.Join(", ", names.Take(Most).Select(MessageText.Printable)) + (names.Count > Most ? $" and {names.Count - Most} more" : "");
    }
}
