using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace SmartFrz.Nn.Weights;

/// <summary>A weights file that is not what it should be; the message names it and says both sides in one line.</summary>
public sealed class WeightsFormatException : Exception
{
    /// <summary>With a message.</summary>
    public WeightsFormatException(string message)
        : base(message)
    {
    }

    /// <summary>With a message and a cause.</summary>
    public WeightsFormatException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Without a message.</summary>
    public WeightsFormatException()
    {
    }
}

/// <summary>A tensor as it lies in a weights file.</summary>
/// <param name="DType">The element type as the format names it: F64, F32, F16, BF16, I64, I32, U8, BOOL.</param>
/// <param name="Shape">The extents.</param>
/// <param name="Bytes">The elements, little-endian.</param>
public sealed record StoredTensor(string DType, IReadOnlyList<int> Shape, ReadOnlyMemory<byte> Bytes)
{
    /// <summary>The number of elements.</summary>
    public long Count => Shape.Aggregate(1L, (product, extent) => product * extent);

    /// <summary>A tensor of floats.</summary>
    public static StoredTensor Of(ReadOnlySpan<float> values, params IReadOnlyList<int> shape) => new("F32", shape, MemoryMarshal.AsBytes(values).ToArray());

    /// <summary>A tensor of half floats.</summary>
    public static StoredTensor Of(ReadOnlySpan<Half> values, params IReadOnlyList<int> shape) => new("F16", shape, MemoryMarshal.AsBytes(values).ToArray());

    /// <summary>A tensor of doubles.</summary>
    public static StoredTensor Of(ReadOnlySpan<double> values, params IReadOnlyList<int> shape) => new("F64", shape, MemoryMarshal.AsBytes(values).ToArray());

    /// <summary>A tensor of 64-bit integers; without extents a scalar.</summary>
    public static StoredTensor Of(ReadOnlySpan<long> values, params IReadOnlyList<int> shape) => new("I64", shape, MemoryMarshal.AsBytes(values).ToArray());

    /// <summary>The elements as floats, converted if need be.</summary>
    public float[] ToFloats()
    {
        var bytes = Bytes.Span;
        return DType switch
        {
            "F32" => MemoryMarshal.Cast<byte, float>(bytes).ToArray(),
            "F64" => Array.ConvertAll(MemoryMarshal.Cast<byte, double>(bytes).ToArray(), v => (float)v),
            "F16" => Array.ConvertAll(MemoryMarshal.Cast<byte, Half>(bytes).ToArray(), v => (float)v),
            "BF16" => Array.ConvertAll(MemoryMarshal.Cast<byte, ushort>(bytes).ToArray(), v => BitConverter.Int32BitsToSingle(v << 16)),
            _ => Array.ConvertAll(ToLongs(), v => (float)v),
        };
    }

    /// <summary>The elements as 64-bit integers.</summary>
    /// <exception cref="WeightsFormatException">They are not whole numbers.</exception>
    public long[] ToLongs()
    {
        var bytes = Bytes.Span;
        return DType switch
        {
            "I64" => MemoryMarshal.Cast<byte, long>(bytes).ToArray(),
            "I32" => Array.ConvertAll(MemoryMarshal.Cast<byte, int>(bytes).ToArray(), v => (long)v),
            "U8" or "BOOL" => Array.ConvertAll(bytes.ToArray(), v => (long)v),
            _ => throw new WeightsFormatException($"a tensor of {DType} was found where whole numbers are expected"),
        };
    }
}

/// <summary>
/// The safetensors format: a header length (8 bytes, little-endian), a JSON header with each tensor's type, shape and place, and
/// the bytes.
/// </summary>
/// <remarks>
/// Memory: the file's own size. Every offset is checked before anything is read: tensors must lie one after another without gaps or
/// overlaps, which is also what the format's own implementation demands.
/// </remarks>
public sealed class SafeTensors
{
    // The limit of the format's own implementation.
    private const long LargestHeader = 100_000_000;
    private const int Alignment = 8;

    private static readonly Dictionary<string, int> Sizes = new(StringComparer.Ordinal)
    {
        ["F64"] = 8,
        ["F32"] = 4,
        ["F16"] = 2,
        ["BF16"] = 2,
        ["I64"] = 8,
        ["I32"] = 4,
        ["U8"] = 1,
        ["BOOL"] = 1,
    };

    /// <summary>The tensors in the order of their bytes.</summary>
    public Dictionary<string, StoredTensor> Tensors { get; } = new(StringComparer.Ordinal);

    /// <summary>The texts of <c>__metadata__</c>.</summary>
    public Dictionary<string, string> Metadata { get; } = new(StringComparer.Ordinal);

    /// <summary>Reads a file.</summary>
    /// <exception cref="WeightsFormatException">It is missing or not a sound safetensors file.</exception>
    public static SafeTensors Read(string path)
    {
        try
        {
            using var file = File.OpenRead(path);
            return Read(file, path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new WeightsFormatException($"{path}: {e.Message}", e);
        }
    }

    /// <summary>Reads a stream that knows its length.</summary>
    /// <exception cref="WeightsFormatException">It is not sound.</exception>
    public static SafeTensors Read(Stream stream, string name)
    {
        long length = stream.Length - stream.Position;
        Span<byte> prefix = stackalloc byte[8];
        if (length < prefix.Length)
        {
            throw new WeightsFormatException($"{name}: {length} bytes, a safetensors file has at least 8");
        }

        stream.ReadExactly(prefix);
        ulong header = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        long most = Math.Min(LargestHeader, length - prefix.Length);
        if (header > (ulong)most)
        {
            throw new WeightsFormatException($"{name}: the header is announced with {header} bytes, at most {most} can be there");
        }

        var json = new byte[(int)header];
        stream.ReadExactly(json);
        long body = length - prefix.Length - (long)header;
        if (body > Array.MaxLength)
        {
            throw new WeightsFormatException($"{name}: {body} bytes of tensors, at most {Array.MaxLength} are read");
        }

        var file = new SafeTensors();
        var places = file.ReadHeader(json, name, body);
        var bytes = new byte[body];
        stream.ReadExactly(bytes);
        foreach (var (key, type, shape, begin, end) in places)
        {
            file.Tensors.Add(key, new StoredTensor(type, shape, bytes.AsMemory((int)begin, (int)(end - begin))));
        }

        return file;
    }

    /// <summary>Writes the file, whole or not at all.</summary>
    public void Write(string path) => AtomicFile.Write(path, Write);

    /// <summary>Writes to a stream: the header padded with spaces to 8 bytes, the tensors in their order.</summary>
    public void Write(Stream stream)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            if (Metadata.Count > 0)
            {
                json.WriteStartObject("__metadata__");
                foreach (var (key, value) in Metadata)
                {
                    json.WriteString(key, value);
                }

                json.WriteEndObject();
            }

            long offset = 0;
            foreach (var (key, tensor) in Tensors)
            {
                json.WriteStartObject(key);
                json.WriteString("dtype", tensor.DType);
                json.WriteStartArray("shape");
                foreach (int extent in tensor.Shape)
                {
                    json.WriteNumberValue(extent);
                }

                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(offset);
                json.WriteNumberValue(offset += tensor.Bytes.Length);
                json.WriteEndArray();
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        while (buffer.Length % Alignment != 0)
        {
            buffer.WriteByte((byte)' ');
        }

        Span<byte> prefix = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(prefix, (ulong)buffer.Length);
        stream.Write(prefix);
        buffer.WriteTo(stream);
        foreach (var tensor in Tensors.Values)
        {
            stream.Write(tensor.Bytes.Span);
        }
    }

    private List<(string Key, string Type, int[] Shape, long Begin, long End)> ReadHeader(byte[] json, string name, long body)
    {
        var places = new List<(string Key, string Type, int[] Shape, long Begin, long End)>();
        try
        {
            // UTF-8 that is not sound must not be patched up silently.
            _ = new UTF8Encoding(false, throwOnInvalidBytes: true).GetCharCount(json);
            using var document = JsonDocument.Parse(json);
            if (document.RootElement.ValueKind != JsonValueKind.Object)
            {
                throw new WeightsFormatException($"{name}: the header is {document.RootElement.ValueKind}, expected an object");
            }

            var seen = new HashSet<string>(StringComparer.Ordinal);
            foreach (var entry in document.RootElement.EnumerateObject())
            {
                if (!seen.Add(entry.Name))
                {
                    throw new WeightsFormatException($"{name}: tensor '{entry.Name}' is described twice");
                }

                if (entry.Name == "__metadata__")
                {
                    foreach (var text in entry.Value.EnumerateObject())
                    {
                        Metadata[text.Name] = text.Value.GetString() ?? "";
                    }

                    continue;
                }

                places.Add(ReadEntry(entry, name, body));
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException or KeyNotFoundException or DecoderFallbackException)
        {
            throw new WeightsFormatException($"{name}: the header is not what it should be: {e.Message.ReplaceLineEndings(" ")}", e);
        }

        places.Sort((a, b) => a.Begin != b.Begin ? a.Begin.CompareTo(b.Begin) : a.End.CompareTo(b.End));
        long at = 0;
        foreach (var place in places)
        {
            if (place.Begin != at)
            {
                throw new WeightsFormatException($"{name}: tensor '{place.Key}' begins at byte {place.Begin}, the one before it ends at {at}");
            }

            at = place.End;
        }

        return at == body ? places : throw new WeightsFormatException($"{name}: the tensors take {at} bytes, {body} are there");
    }

    private static (string Key, string Type, int[] Shape, long Begin, long End) ReadEntry(JsonProperty entry, string name, long body)
    {
        string type = entry.Value.GetProperty("dtype").GetString() ?? "";
        if (!Sizes.TryGetValue(type, out int size))
        {
            throw new WeightsFormatException($"{name}: tensor '{entry.Name}' has type '{type}', known: {string.Join(", ", Sizes.Keys)}");
        }

        int[] shape = [.. entry.Value.GetProperty("shape").EnumerateArray().Select(e => e.GetInt32())];
        long[] offsets = [.. entry.Value.GetProperty("data_offsets").EnumerateArray().Select(e => e.GetInt64())];
        if (offsets.Length != 2 || offsets[0] < 0 || offsets[1] < offsets[0] || offsets[1] > body)
        {
            throw new WeightsFormatException($"{name}: tensor '{entry.Name}' lies at [{string.Join(',', offsets)}], the file has {body} bytes of tensors");
        }

        long bytes = size;
        foreach (int extent in shape)
        {
            // A product that leaves the file's size can only grow further.
            if (extent < 0 || (extent > 0 && bytes > body / extent))
            {
                bytes = -1;
                break;
            }

            bytes *= extent;
        }

        return bytes == offsets[1] - offsets[0]
            ? (entry.Name, type, shape, offsets[0], offsets[1])
            : throw new WeightsFormatException($"{name}: tensor '{entry.Name}' of {type} ({string.Join(',', shape)}) does not fill its {offsets[1] - offsets[0]} bytes");
    }
}
