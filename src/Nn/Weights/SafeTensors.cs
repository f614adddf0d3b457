using System.Buffers.Binary;
using System.Globalization;

namespace SmartFrz.Nn.Weights;

/// <summary>
/// The safetensors format: a header length (8 bytes, little-endian), a JSON header with each tensor's type, shape and place, and
/// the bytes.
/// </summary>
/// <remarks>
/// Memory: the file's own size. Every length and offset is checked before anything is read: tensors must lie one after another without
/// gaps or overlaps, which is also what the format's own implementation demands.
/// A file written from the same tensors and metadata has the same bytes, so one that was written here is the same after reading and writing.
/// </remarks>
public sealed class SafeTensors
{
    private const int PrefixBytes = 8;

    /// <summary>The tensors in the order of their bytes.</summary>
    public OrderedDictionary<string, StoredTensor> Tensors { get; } = new(StringComparer.Ordinal);

    /// <summary>The texts of <c>__metadata__</c>.</summary>
    public OrderedDictionary<string, string> Metadata { get; private init; } = new(StringComparer.Ordinal);

    /// <summary>Reads a file.</summary>
    /// <exception cref="WeightsFormatException">It is missing or not a sound safetensors file.</exception>
    public static SafeTensors Read(string path)
    {
        using var file = WeightsFile.Open(path);
        try
        {
            return Read(file, path);
        }
        catch (IOException e)
        {
            throw new WeightsFormatException($"{path}: {e.Message.ReplaceLineEndings(" ")}", e);
        }
    }

    /// <summary>Reads a stream to its end; it stays open.</summary>
    /// <param name="stream">The file's bytes.</param>
    /// <param name="name">What messages call it.</param>
    /// <exception cref="WeightsFormatException">It is not sound.</exception>
    public static SafeTensors Read(Stream stream, string name)
    {
        ArgumentNullException.ThrowIfNull(stream);
        RequireLittleEndian();
        if (!stream.CanSeek)
        {
            // Only the length of the whole tells whether the header lies.
            using var whole = new MemoryStream();
            stream.CopyTo(whole);
            whole.Position = 0;
            return Read(whole, name);
        }

        try
        {
            return ReadSized(stream, stream.Length - stream.Position, name);
        }
        catch (EndOfStreamException e)
        {
            throw new WeightsFormatException($"{name}: the file ended while it was read, it was longer when it was opened", e);
        }
    }

    /// <summary>Writes the file, whole or not at all (<see cref="AtomicFile"/>).</summary>
    /// <param name="path">The file.</param>
    /// <param name="sorted">Whether the tensors are written by name, in ordinal order; else as they were added.</param>
    /// <exception cref="ArgumentException">A tensor's bytes are not those of its type and shape, or a name is not valid Unicode.</exception>
    /// <exception cref="IOException">It cannot be written.</exception>
    public void Write(string path, bool sorted = false) => AtomicFile.Write(path, stream => Write(stream, sorted));

    /// <summary>Writes to a stream, which stays open: the header padded with spaces to 8 bytes, then the tensors.</summary>
    /// <param name="stream">Receives the bytes.</param>
    /// <param name="sorted">Whether the tensors are written by name, in ordinal order; else as they were added.</param>
    /// <exception cref="ArgumentException">A tensor's bytes are not those of its type and shape, or a name is not valid Unicode.</exception>
    public void Write(Stream stream, bool sorted = false)
    {
        ArgumentNullException.ThrowIfNull(stream);
        RequireLittleEndian();
        KeyValuePair<string, StoredTensor>[] tensors = [.. Tensors];
        if (sorted)
        {
            Array.Sort(tensors, (a, b) => string.CompareOrdinal(a.Key, b.Key));
        }

        byte[] header = SafeTensorsHeader.Write(tensors, Metadata);
        Span<byte> prefix = stackalloc byte[PrefixBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(prefix, (ulong)header.Length);
        stream.Write(prefix);
        stream.Write(header);
        foreach (var (_, tensor) in tensors)
        {
            stream.Write(tensor.Bytes.Span);
        }
    }

    private static SafeTensors ReadSized(Stream stream, long length, string name)
    {
        if (length < PrefixBytes)
        {
            throw new WeightsFormatException($"{name}: {length} bytes, a safetensors file has at least {PrefixBytes + 2}");
        }

        Span<byte> prefix = stackalloc byte[PrefixBytes];
        stream.ReadExactly(prefix);
        ulong announced = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        string size = announced.ToString(CultureInfo.InvariantCulture);
        if (announced > SafeTensorsHeader.Largest)
        {
            throw new WeightsFormatException($"{name}: a header of {size} bytes, at most {SafeTensorsHeader.Largest} are read; is it a safetensors file?");
        }

        long body = length - PrefixBytes - (long)announced;
        if (body < 0)
        {
            throw new WeightsFormatException($"{name}: truncated, a header of {size} bytes, {length - PrefixBytes} bytes follow its length");
        }

        var header = new byte[announced];
        stream.ReadExactly(header);
        var (places, metadata) = SafeTensorsHeader.Read(name, header, body);
        var file = new SafeTensors { Metadata = metadata };
        foreach (var place in places)
        {
            var bytes = new byte[place.Bytes];
            stream.ReadExactly(bytes);
            file.Tensors.Add(place.Name, new StoredTensor(place.DType, place.Shape, bytes));
        }

        return file;
    }

    private static void RequireLittleEndian()
    {
        if (!BitConverter.IsLittleEndian)
        {
            throw new PlatformNotSupportedException("weights files are read and written on little-endian machines only");
        }
    }
}
