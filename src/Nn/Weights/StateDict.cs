using SmartFrz.Tensors;

namespace SmartFrz.Nn.Weights;

/// <summary>Everything about a module that a weights file holds: parameters, buffers and counters by name, in PyTorch's order.</summary>
/// <remarks>
/// Counters are I64 scalars, all else F32. Reading a file, these names are understood too:
/// <list type="bullet">
/// <item><c>module.NAME</c>, <c>_orig_mod.NAME</c> and <c>model.NAME</c> for NAME (a network wrapped by DataParallel, torch.compile or Lightning);</item>
/// <item><c>gamma</c> and <c>beta</c> for <c>weight</c> and <c>bias</c> (layer normalisations of the first BERT files);</item>
/// <item><c>position_ids</c>, the numbers from 0 that older BERT files hold, may be there where the network has none;</item>
/// <item><c>fc.</c> for <c>linear.</c> and the other way round, where the network has only one of the two heads;</item>
/// <item>a counter (<c>num_batches_tracked</c>) may be absent: then it is 0.</item>
/// </list>
/// </remarks>
public static class StateDict
{
    // The outermost one first.
    private static readonly string[] Wrappers = ["model.", "module.", "_orig_mod."];

    private static readonly (string Old, string New)[] Endings = [(".gamma", ".weight"), (".beta", ".bias")];

    // The names that PyTorch's models give the same head.
    private static readonly string[] Heads = ["fc.", "linear."];

    /// <summary>Copies the state to the host. Waits for the device.</summary>
    public static OrderedDictionary<string, StoredTensor> Read(Module module)
    {
        var state = new OrderedDictionary<string, StoredTensor>(StringComparer.Ordinal);
        foreach (var slot in SlotsOf(module).Values)
        {
            state.Add(slot.Name, slot.Read());
        }

        return state;
    }

    /// <summary>Overwrites the state, all of it or nothing.</summary>
    /// <param name="module">The module.</param>
    /// <param name="tensors">The tensors by name.</param>
    /// <param name="source">What messages call them: the file's path.</param>
    /// <exception cref="WeightsFormatException">A tensor is missing, unexpected or misshapen: the message lists up to 20. Nothing was changed.</exception>
    public static void Load(Module module, IReadOnlyDictionary<string, StoredTensor> tensors, string source)
    {
        var report = Match(module, tensors, source, out var found);
        if (!report.Fits)
        {
            throw new WeightsFormatException(report.ToString());
        }

        Write(found);
        foreach (var slot in SlotsOf(module).Values.Where(s => s.Counter is not null && !found.ContainsKey(s)))
        {
            slot.Counter!.Value = 0;
        }
    }

    /// <summary>Overwrites what fits and leaves the rest as it is.</summary>
    /// <param name="module">The module.</param>
    /// <param name="tensors">The tensors by name.</param>
    /// <param name="source">What messages call them: the file's path.</param>
    /// <returns>What did not fit.</returns>
    public static StateDictReport LoadPartial(Module module, IReadOnlyDictionary<string, StoredTensor> tensors, string source)
    {
        var report = Match(module, tensors, source, out var found);
        Write(found);
        return report;
    }

    private static StateDictReport Match(Module module, IReadOnlyDictionary<string, StoredTensor> tensors, string source, out Dictionary<Slot, StoredTensor> found)
    {
        var slots = SlotsOf(module);
        found = [];
        var unexpected = new List<string>();
        var misshapen = new List<string>();
        foreach (var (name, tensor) in tensors)
        {
            if (!slots.TryGetValue(NameIn(slots, name), out var slot) || found.ContainsKey(slot))
            {
                if (IsCountUp(name, tensor))
                {
                    continue;
                }

                unexpected.Add($"{name} {Extents(tensor.Shape)}");
            }
            else if (!slot.Takes(tensor))
            {
                found.Add(slot, tensor);
                misshapen.Add($"{name} is {Extents(tensor.Shape)}, the network has {slot.Shape}");
            }
            else
            {
                found.Add(slot, tensor);
            }
        }

        var present = found;
        string[] missing = [.. slots.Values.Where(s => s.Counter is null && !present.ContainsKey(s)).Select(s => $"{s.Name} {s.Shape}")];
        foreach (var slot in found.Where(f => !f.Key.Takes(f.Value)).Select(f => f.Key).ToList())
        {
            found.Remove(slot);
        }

        string target = module is Network network ? network.Name : module.GetType().Name;
        return new StateDictReport(source, target, found.Count, missing, unexpected, misshapen);
    }

    // The name by which the network knows a stored tensor: itself, without the wrapper, or under the other name of the head.
    private static string NameIn(OrderedDictionary<string, Slot> slots, string name)
    {
        if (slots.ContainsKey(name))
        {
            return name;
        }

        string bare = name;
        foreach (string wrapper in Wrappers)
        {
            bare = bare.StartsWith(wrapper, StringComparison.Ordinal) ? bare[wrapper.Length..] : bare;
        }

        foreach (var (old, now) in Endings)
        {
            bare = bare.EndsWith(old, StringComparison.Ordinal) && !slots.ContainsKey(bare) ? bare[..^old.Length] + now : bare;
        }

        if (slots.ContainsKey(bare))
        {
            return bare;
        }

        foreach (string head in Heads)
        {
            if (bare.StartsWith(head, StringComparison.Ordinal) && !slots.Keys.Any(k => k.StartsWith(head, StringComparison.Ordinal)))
            {
                return Heads[head == Heads[0] ? 1 : 0] + bare[head.Length..];
            }
        }

        return bare;
    }

    private static bool IsCountUp(string name, StoredTensor tensor) =>
        name.EndsWith("position_ids", StringComparison.Ordinal) && tensor.DType == "I64" && tensor.ToLongs().Index().All(p => p.Item == p.Index);

    private static void Write(Dictionary<Slot, StoredTensor> found)
    {
        foreach (var (slot, tensor) in found)
        {
            slot.Write(tensor);
        }
    }

    private static OrderedDictionary<string, Slot> SlotsOf(Module module)
    {
        var slots = new OrderedDictionary<string, Slot>(StringComparer.Ordinal);
        foreach (var part in module.Modules())
        {
            foreach (var parameter in part.OwnParameters)
            {
                slots.Add(parameter.Name, new Slot(parameter.Name, parameter.Value, null));
            }

            foreach (var buffer in part.OwnBuffers)
            {
                slots.Add(buffer.Name, new Slot(buffer.Name, buffer.Value, null));
            }

            foreach (var counter in part.OwnCounters)
            {
                slots.Add(counter.Name, new Slot(counter.Name, null, counter));
            }
        }

        return slots;
    }

    private static string Extents(IReadOnlyList<int> shape) => new Shape([.. shape]).ToString();

    /// <summary>A place for one stored tensor.</summary>
    private sealed record Slot(string Name, Tensor? Value, ModuleCounter? Counter)
    {
        public Shape Shape => Value?.Shape ?? default;

        // A counter may also be stored as an array of one.
        public bool Takes(StoredTensor tensor) =>
            Value is null ? tensor.Count == 1 : tensor.Shape.Count <= Shape.MaxRank && tensor.Shape.SequenceEqual(Value.Shape.ToArray());

        public StoredTensor Read() =>
            Value is null ? StoredTensor.Of([Counter!.Value]) : StoredTensor.Of(Value.ToArray(), Value.Shape.ToArray());

        public void Write(StoredTensor tensor)
        {
            if (Value is null)
            {
                Counter!.Value = (long)tensor.ToDoubles()[0];
            }
            else
            {
                Value.CopyFrom(tensor.ToFloats());
            }
        }
    }
}

/// <summary>How well stored tensors fit a module.</summary>
/// <param name="Source">Where they come from.</param>
/// <param name="Target">What they are for.</param>
/// <param name="Fitting">How many fit.</param>
/// <param name="Missing">Names and shapes of the module that are not stored.</param>
/// <param name="Unexpected">Names and shapes stored that the module does not have.</param>
/// <param name="Misshapen">Names with both shapes.</param>
public sealed record StateDictReport(
    string Source, string Target, int Fitting, IReadOnlyList<string> Missing, IReadOnlyList<string> Unexpected, IReadOnlyList<string> Misshapen)
{
    /// <summary>How many names a message lists.</summary>
    public const int MostListed = 20;

    /// <summary>Whether everything fits.</summary>
    public bool Fits => Count == 0;

    private int Count => Missing.Count + Unexpected.Count + Misshapen.Count;

    /// <summary>One line: how many do not fit, and up to 20 of them.</summary>
    public override string ToString()
    {
        if (Fits)
        {
            return $"{Source}: all {Fitting} tensors fit {Target}";
        }

        string[] all =
        [
            .. Misshapen,
            .. Missing.Select(m => "missing " + m),
            .. Unexpected.Select(u => "unexpected " + u),
        ];
        string more = all.Length > MostListed ? $"; and {all.Length - MostListed} more" : "";
        return $"{Source}: {Count} {(Count == 1 ? "tensor does" : "tensors do")} not fit {Target}: {string.Join("; ", all.Take(MostListed))}{more}";
    }
}
