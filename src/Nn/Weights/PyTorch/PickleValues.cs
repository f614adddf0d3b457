namespace SmartFrz.Nn.Weights;

/// <summary>A dictionary of a pickle. Of its entries those under texts are kept: others name no tensors.</summary>
internal sealed class PickleDict
{
    /// <summary>The entries under texts, in their order; a later one takes the place of an earlier one.</summary>
    public OrderedDictionary<string, object?> Entries { get; } = new(StringComparer.Ordinal);

    /// <summary>Sets an entry.</summary>
    public void Set(object? key, object? value)
    {
        if (key is string text)
        {
            Entries[text] = value;
        }
    }
}

/// <summary>Something that a pickle names and that holds no tensors: a data type, a number of NumPy, a device. Nothing is built for it.</summary>
internal sealed class PickleInert
{
    /// <summary>The only one.</summary>
    public static PickleInert Instance { get; } = new();
}

/// <summary>A name on the list of those that a pickle may ask for.</summary>
/// <param name="Name">Module and name, with a dot.</param>
/// <param name="DType">For the class of a storage the type of its elements, as <see cref="StoredTensor.DType"/> says it; else null.</param>
/// <param name="Call">Makes a value of arguments; null where it cannot be called.</param>
internal sealed record PickleGlobal(string Name, string? DType, Func<PickleBytes, object?[], object?>? Call);

/// <summary>The elements that tensors lie in: known at first by what the pickle says of them, their bytes come later.</summary>
/// <param name="Key">Its name in the file.</param>
/// <param name="DType">The type of its elements.</param>
/// <param name="Count">Its elements.</param>
internal sealed record TorchStorage(string Key, string DType, long Count)
{
    /// <summary>Bytes of an element.</summary>
    public int ElementBytes => StoredTensor.SizeOf(DType);

    /// <summary>Its bytes in the file, for sums: as a double-width number, since a pickle may say anything.</summary>
    public Int128 Length => (Int128)Count * ElementBytes;

    /// <summary>The bytes, once they are read.</summary>
    public byte[]? Bytes { get; set; }
}
