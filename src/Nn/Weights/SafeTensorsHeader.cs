using System.Globalization;
using System.Text;
using System.Text.Json;

namespace SmartFrz.Nn.Weights;

/// <summary>Where a tensor lies in a file.</summary>
/// <param name="Name">Its name.</param>
/// <param name="DType">The type of its elements.</param>
/// <param name="Shape">Its extents.</param>
/// <param name="Offset">Its first byte, from the end of the header.</param>
/// <param name="Bytes">Its bytes.</param>
internal sealed record TensorPlace(string Name, string DType, int[] Shape, long Offset, long Bytes);

/// <summary>Reads, checks and writes the JSON header of a safetensors file.</summary>
/// <remarks>
/// Format: <c>{"__metadata__":{"key":"text"},"NAME":{"dtype":"F32","shape":[2,3],"data_offsets":[begin,end]},…}</c>, padded with spaces.
/// </remarks>
internal ref struct SafeTensorsHeader
{
    /// <summary>The longest header that is read, as in the format's own implementation.</summary>
    public const int Largest = 100_000_000;

    private const string MetadataKey = "__metadata__";
    private const int Alignment = 8;

    // Throws on half of a surrogate pair: no two names may become one.
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly string _file;
    private readonly OrderedDictionary<string, string> _metadata = new(StringComparer.Ordinal);
    private readonly OrderedDictionary<string, TensorPlace> _places = new(StringComparer.Ordinal);
    private Utf8JsonReader _json;
    private bool _hasMetadata;

    private SafeTensorsHeader(string file, ReadOnlySpan<byte> json)
    {
        _file = file;
        _json = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 4 });
    }

    /// <summary>The places in the order of their bytes and the metadata, once every check has passed.</summary>
    /// <param name="file">What messages call the file.</param>
    /// <param name="json">The header.</param>
    /// <param name="dataBytes">The bytes that follow it.</param>
    /// <exception cref="WeightsFormatException">Something is wrong.</exception>
    public static (TensorPlace[] Places, OrderedDictionary<string, string> Metadata) Read(string file, ReadOnlySpan<byte> json, long dataBytes)
    {
        if (json.IsEmpty || json[0] != '{')
        {
            throw new WeightsFormatException(
                $"{file}: the header begins with {(json.IsEmpty ? "nothing" : $"0x{json[0]:x2}")}, expected '{{'; is it a safetensors file?");
        }

        var header = new SafeTensorsHeader(file, json);
        try
        {
            header.ReadEntries();
        }
        catch (JsonException e)
        {
            throw new WeightsFormatException(
                FormattableString.Invariant($"{file}: the header is not valid JSON at byte {header._json.BytesConsumed}"), e);
        }
        catch (InvalidOperationException e)
        {
            // What the reader throws for a text that is not UTF-8, or is half of a surrogate pair.
            throw new WeightsFormatException(
                FormattableString.Invariant($"{file}: the header has a text that is not valid Unicode before byte {header._json.BytesConsumed}"), e);
        }

        TensorPlace[] places = [.. header._places.Values.OrderBy(t => t.Offset).ThenBy(t => t.Bytes)];
        CheckPlaces(file, places, dataBytes);
        return (places, header._metadata);
    }

    /// <summary>The header of these tensors, one after another, padded.</summary>
    /// <exception cref="ArgumentException">A tensor's bytes are not those of its type and shape, or a name is not valid Unicode.</exception>
    public static byte[] Write(IEnumerable<KeyValuePair<string, StoredTensor>> tensors, OrderedDictionary<string, string> metadata)
    {
        var json = new StringBuilder("{");
        if (metadata.Count > 0)
        {
            AppendText(json, MetadataKey).Append(":{");
            foreach (var (key, value) in metadata)
            {
                AppendText(AppendText(json, key).Append(':'), value).Append(',');
            }

            json[^1] = '}';
            json.Append(',');
        }

        long offset = 0;
        foreach (var (name, tensor) in tensors)
        {
            long? needed = name == MetadataKey ? throw new ArgumentException($"a tensor cannot be called {MetadataKey}")
                : StoredTensor.SizeOf(tensor.DType) == 0 ? throw new ArgumentException($"tensor {Quote(name)} has type {Quote(tensor.DType)}, known: {string.Join(", ", StoredTensor.Types)}")
                : StoredTensor.BytesOf(tensor.DType, tensor.Shape.Select(d => (long)d));
            if (needed != tensor.Bytes.Length)
            {
                throw new ArgumentException(FormattableString.Invariant($"tensor {Quote(name)}, {tensor}, needs {needed} bytes, it has {tensor.Bytes.Length}"));
            }

            string shape = string.Join(",", tensor.Shape.Select(d => d.ToString(CultureInfo.InvariantCulture)));
            AppendText(json, name).Append(CultureInfo.InvariantCulture, $":{{\"dtype\":\"{tensor.DType}\",\"shape\":[{shape}],\"data_offsets\":[{offset},{offset += needed.Value}]}},");
        }

        if (json.Length > 1)
        {
            json.Length--;
        }

        byte[] header = Strict.GetBytes(json.Append('}').ToString());
        int written = header.Length, padded = (written + Alignment - 1) / Alignment * Alignment;
        if (padded > Largest)
        {
            throw new ArgumentException($"a header of {padded} bytes, readers accept at most {Largest}");
        }

        Array.Resize(ref header, padded);
        header.AsSpan(written).Fill((byte)' ');
        return header;
    }

    private void ReadEntries()
    {
        _json.Read();
        while (_json.Read() && _json.TokenType == JsonTokenType.PropertyName)
        {
            string name = _json.GetString()!;
            if (name == MetadataKey)
            {
                ReadMetadata();
                continue;
            }

            if (!_places.TryAdd(name, ReadTensor(name)))
            {
                throw Wrong($"the header has two tensors {Quote(name)}");
            }
        }

        // Padding is white space; the reader throws on anything else.
        _json.Read();
    }

    private void ReadMetadata()
    {
        if (_hasMetadata)
        {
            throw Wrong($"the header has {MetadataKey} twice");
        }

        _hasMetadata = true;
        _json.Read();
        if (_json.TokenType != JsonTokenType.StartObject)
        {
            throw Wrong($"{MetadataKey} is {Kind()}, expected an object of texts");
        }

        while (_json.Read() && _json.TokenType == JsonTokenType.PropertyName)
        {
            string key = _json.GetString()!;
            _json.Read();
            if (_json.TokenType != JsonTokenType.String)
            {
                throw Wrong($"{MetadataKey} {Quote(key)} is {Kind()}, expected a text");
            }

            if (!_metadata.TryAdd(key, _json.GetString()!))
            {
                throw Wrong($"{MetadataKey} has {Quote(key)} twice");
            }
        }
    }

    private TensorPlace ReadTensor(string name)
    {
        _json.Read();
        if (_json.TokenType != JsonTokenType.StartObject)
        {
            throw Wrong($"tensor {Quote(name)} is {Kind()}, expected an object with dtype, shape and data_offsets");
        }

        string? type = null;
        List<long>? shape = null, offsets = null;
        while (_json.Read() && _json.TokenType == JsonTokenType.PropertyName)
        {
            string key = _json.GetString()!;
            bool twice = key switch { "dtype" => type is not null, "shape" => shape is not null, "data_offsets" => offsets is not null, _ => false };
            if (twice)
            {
                throw Wrong($"tensor {Quote(name)} has {key} twice");
            }

            switch (key)
            {
                case "dtype":
                    type = ReadType(name);
                    break;
                case "shape":
                    shape = ReadNumbers(name, key);
                    break;
                case "data_offsets":
                    offsets = ReadNumbers(name, key);
                    break;
                default:
                    throw Wrong($"tensor {Quote(name)} has a field {Quote(key)}, expected dtype, shape and data_offsets");
            }
        }

        if (type is null || shape is null || offsets is null)
        {
            string missing = type is null ? "dtype" : shape is null ? "shape" : "data_offsets";
            throw Wrong($"tensor {Quote(name)} has no {missing}");
        }

        return Checked(name, type, shape, offsets);
    }

    private TensorPlace Checked(string name, string type, List<long> shape, List<long> offsets)
    {
        if (offsets.Count != 2 || offsets[0] > offsets[1])
        {
            throw Wrong($"tensor {Quote(name)} has data_offsets [{string.Join(",", offsets.Take(4))}], expected a begin and an end");
        }

        if (shape.Any(d => d > int.MaxValue) || StoredTensor.BytesOf(type, shape) is not { } needed)
        {
            throw Wrong($"tensor {Quote(name)} has a shape ({string.Join(",", shape.Take(8))}) that is too large");
        }

        long stored = offsets[1] - offsets[0];
        int[] extents = [.. shape.Select(d => (int)d)];
        return needed == stored
            ? new TensorPlace(name, type, extents, offsets[0], stored)
            : throw Wrong($"tensor {Quote(name)}, {StoredTensor.Describe(type, extents)}, needs {needed} bytes, its data_offsets hold {stored}");
    }

    private string ReadType(string name)
    {
        _json.Read();
        string? text = _json.TokenType == JsonTokenType.String ? _json.GetString()! : null;
        return text is not null && StoredTensor.SizeOf(text) > 0 ? text
            : throw Wrong($"tensor {Quote(name)} has dtype {(text is null ? Kind() : Quote(text))}, expected one of {string.Join(" ", StoredTensor.Types)}");
    }

    private List<long> ReadNumbers(string name, string key)
    {
        var numbers = new List<long>();
        _json.Read();
        bool list = _json.TokenType == JsonTokenType.StartArray;
        while (list && _json.Read() && _json.TokenType != JsonTokenType.EndArray)
        {
            list = _json.TokenType == JsonTokenType.Number && _json.TryGetInt64(out long number) && number >= 0;
            numbers.Add(list ? _json.GetInt64() : 0);
        }

        return list ? numbers : throw Wrong($"tensor {Quote(name)} has a {key} that is not a list of whole numbers from 0");
    }

    // Every byte belongs to one tensor: none before the first, between two, or after the last.
    private static void CheckPlaces(string file, TensorPlace[] places, long dataBytes)
    {
        long end = 0;
        TensorPlace? last = null;
        foreach (var tensor in places)
        {
            if (tensor.Offset + tensor.Bytes > dataBytes)
            {
                throw new WeightsFormatException(
                    $"{file}: truncated, tensor {Quote(tensor.Name)} ends at byte {tensor.Offset + tensor.Bytes}, {dataBytes} bytes of data are there");
            }

            if (tensor.Bytes > Array.MaxLength)
            {
                throw new WeightsFormatException($"{file}: tensor {Quote(tensor.Name)} has {tensor.Bytes} bytes, at most {Array.MaxLength} are read");
            }

            if (tensor.Offset < end)
            {
                throw new WeightsFormatException(
                    $"{file}: tensor {Quote(tensor.Name)} begins at byte {tensor.Offset}, {Quote(last!.Name)} ends at {end}: they overlap");
            }

            if (tensor.Offset > end)
            {
                throw new WeightsFormatException(
                    $"{file}: tensor {Quote(tensor.Name)} begins at byte {tensor.Offset}, {(last is null ? "the data begin" : Quote(last.Name) + " ends")} at {end}: the bytes between belong to none");
            }

            end = tensor.Offset + tensor.Bytes;
            last = tensor;
        }

        if (end != dataBytes)
        {
            throw new WeightsFormatException($"{file}: the tensors end at byte {end}, {dataBytes} bytes of data are there");
        }
    }

    // JSON text with nothing escaped that need not be, as the format's own implementation writes it.
    private static StringBuilder AppendText(StringBuilder json, string text)
    {
        json.Append('"');
        foreach (char c in text)
        {
            _ = c switch
            {
                '"' or '\\' => json.Append('\\').Append(c),
                '\n' => json.Append("\\n"),
                '\r' => json.Append("\\r"),
                '\t' => json.Append("\\t"),
                '\b' => json.Append("\\b"),
                '\f' => json.Append("\\f"),
                < ' ' => json.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"),
                _ => json.Append(c),
            };
        }

        return json.Append('"');
    }

    // A name as messages write it: on one line, and not longer than a line.
    private static string Quote(string name)
    {
        const int longest = 120;
        string shown = string.Concat(name.Take(longest).Select(c => char.IsControl(c) || char.IsSurrogate(c) ? '?' : c));
        return name.Length > longest ? $"'{shown}…'" : $"'{shown}'";
    }

    private readonly WeightsFormatException Wrong(string what) => new($"{_file}: {what}");

    private readonly string Kind() => _json.TokenType switch
    {
        JsonTokenType.StartObject => "an object",
        JsonTokenType.StartArray => "a list",
        JsonTokenType.String => "a text",
        JsonTokenType.Number => "a number",
        JsonTokenType.True or JsonTokenType.False => "true or false",
        _ => "null",
    };
}
