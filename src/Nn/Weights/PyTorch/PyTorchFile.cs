using System.Globalization;
using System.IO.Compression;
using System.Numerics;
using SmartFrz.Nn.Data;
using SmartFrz.Nn.Options;

namespace SmartFrz.Nn.Weights;

/// <summary>
/// Reads what <c>torch.save</c> writes: the archive of today and the row of pickles of before, with the tensors of a state dictionary.
/// </summary>
/// <remarks>
/// No code of the file runs: its pickle can build nothing but tensors and containers, and a name or instruction that would do more is
/// refused by name. Of a checkpoint only the network's tensors are read.
/// Types: F64, F32, F16, BF16, I64, I32, U8, BOOL. Tensors that share or skip elements of their storage are read as they are seen.
/// Memory: below 256 times the pickle's own bytes, and for the tensors 16 times the file's.
/// </remarks>
public static class PyTorchFile
{
    // Tensors that share a storage may hold more elements than the file: but so many times more is no accident.
    private const int MostSharing = 16;

    private const int LongWordBytes = 8;

    // The number that torch.save wrote before everything else, and the version that followed it.
    private static readonly BigInteger Magic = BigInteger.Parse("1950a86a20f9469cfc6c", NumberStyles.HexNumber, CultureInfo.InvariantCulture);
    private const long LegacyVersion = 1001;

    /// <summary>Reads the network's tensors in a file.</summary>
    /// <param name="path">A file of <c>torch.save</c>: a state dictionary, or a checkpoint that holds one.</param>
    /// <exception cref="WeightsFormatException">It is missing, damaged, or holds what is not built here.</exception>
    public static OrderedDictionary<string, StoredTensor> Read(string path)
    {
        using var file = WeightsFile.Open(path);
        return Read(file, path);
    }

    /// <summary>Reads the network's tensors in a stream, which stays open.</summary>
    /// <param name="stream">The file's bytes; it must be able to seek.</param>
    /// <param name="name">What messages call it.</param>
    /// <exception cref="WeightsFormatException">It is damaged, or holds what is not built here.</exception>
    public static OrderedDictionary<string, StoredTensor> Read(Stream stream, string name)
    {
        ArgumentNullException.ThrowIfNull(stream);
        try
        {
            Span<byte> start = stackalloc byte[2];
            long begin = stream.Position;
            int read = stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
            stream.Position = begin;
            return start[..read].SequenceEqual("PK"u8) ? Archive(stream, name) : Pickles(stream, name);
        }
        catch (Exception e) when (e is InvalidDataException or EndOfStreamException or IOException or NotSupportedException or ArgumentOutOfRangeException)
        {
            throw new WeightsFormatException($"{name}: {e.Message.ReplaceLineEndings(" ")}", e);
        }
    }

    /// <summary>Whether a file begins as those of torch.save do.</summary>
    internal static bool Begins(ReadOnlySpan<byte> start) =>
        start.StartsWith("PK\u0003\u0004"u8)
        // A pickle's PROTO; where a brace follows the first eight bytes they are the length of a safetensors header.
        || (start.Length > LongWordBytes && start[0] == 0x80 && start[1] is >= 2 and <= 5 && start[LongWordBytes] != '{');

    private static OrderedDictionary<string, StoredTensor> Archive(Stream stream, string name)
    {
        long length = stream.Length;
        using var zip = new ZipArchive(stream, ZipArchiveMode.Read, leaveOpen: true);
        var entries = new Dictionary<string, ZipArchiveEntry>(StringComparer.Ordinal);
        foreach (var entry in zip.Entries)
        {
            // Everything lies in one folder, whose name says nothing.
            int slash = entry.FullName.IndexOf('/', StringComparison.Ordinal);
            entries.TryAdd(entry.FullName[(slash + 1)..], entry);
        }

        long left = length;
        if (!entries.TryGetValue("data.pkl", out var pickle) || entries.ContainsKey("constants.pkl"))
        {
            throw new WeightsFormatException(entries.ContainsKey("constants.pkl")
                ? $"{name}: a TorchScript archive, which holds a program; write the weights alone with torch.save(model.state_dict(), FILE)"
                : $"{name}: a ZIP archive without data.pkl, which torch.save writes");
        }

        if (entries.TryGetValue("byteorder", out var order) && !Unpack(order, name, ref left).AsSpan().SequenceEqual("little"u8))
        {
            throw new WeightsFormatException($"{name}: the elements are not little-endian");
        }

        byte[] content = Unpack(pickle, name, ref left);
        var bytes = new PickleBytes(new MemoryStream(content), content.Length, name);
        var tensors = TorchStateDict.Find(Unpickler.Read(bytes, []), bytes);
        foreach (var storage in Needed(tensors, length, bytes))
        {
            if (!entries.TryGetValue("data/" + storage.Key, out var data))
            {
                throw bytes.Fail($"there is no entry data/{MessageText.Printable(storage.Key)}, where tensors are said to lie");
            }

            storage.Bytes = data.Length == storage.Length ? Unpack(data, name, ref left)
                : throw bytes.Fail(FormattableString.Invariant($"entry data/{MessageText.Printable(storage.Key)} has {data.Length} bytes, {storage.Count} {storage.DType} are expected"));
        }

        return Stored(tensors);
    }

    private static byte[] Unpack(ZipArchiveEntry entry, string name, ref long left)
    {
        string where = $"{name}: entry {MessageText.Printable(entry.FullName)}";
        if (entry.Length != entry.CompressedLength)
        {
            throw new WeightsFormatException($"{where} is compressed, torch.save does not do that");
        }

        left -= entry.Length;
        if (left < 0)
        {
            throw new WeightsFormatException($"{where} overlaps others: together they have more bytes than the file");
        }

        using var packed = entry.Open();
        var bytes = new byte[entry.Length];
        int read = packed.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        return read < bytes.Length ? throw new WeightsFormatException(FormattableString.Invariant($"{where} is cut off, {read} of {bytes.Length} bytes are there"))
            : Crc32.Of(bytes) == entry.Crc32 ? bytes
            : throw new WeightsFormatException($"{where} is damaged, its checksum is wrong");
    }

    // Magic number, version, the machine's properties, the content, the storages' names; then each storage, its elements' number first.
    private static OrderedDictionary<string, StoredTensor> Pickles(Stream stream, string name)
    {
        long length = stream.Length - stream.Position;
        var bytes = new PickleBytes(stream, length, name);
        if (length < LongWordBytes || !Magic.Equals(Unpickler.Read(bytes, null)))
        {
            throw bytes.Fail("not a file of torch.save");
        }

        if (Unpickler.Read(bytes, null) is not LegacyVersion)
        {
            throw bytes.Fail($"a file of another version of torch.save, expected {LegacyVersion}");
        }

        if (Unpickler.Read(bytes, null) is not PickleDict { Entries: var machine } || machine.GetValueOrDefault("little_endian") is not true)
        {
            throw bytes.Fail("the elements are not little-endian");
        }

        var storages = new Dictionary<string, TorchStorage>(StringComparer.Ordinal);
        var tensors = TorchStateDict.Find(Unpickler.Read(bytes, storages), bytes);
        if (Unpickler.Read(bytes, null) is not List<object?> keys)
        {
            throw bytes.Fail(bytes.At("the storages are no list"));
        }

        var needed = Needed(tensors, length, bytes);
        foreach (object? key in keys)
        {
            var storage = key is string text ? storages.GetValueOrDefault(text) : null;
            if (storage is null)
            {
                throw bytes.Fail($"the file has a storage {Unpickler.Describe(key)} in which no tensor lies");
            }

            long count = bytes.Unsigned(LongWordBytes);
            if (count != storage.Count || storage.Length > bytes.Left)
            {
                throw bytes.Fail(FormattableString.Invariant(
                    $"storage '{MessageText.Printable(storage.Key)}' of {count} elements with {bytes.Left} bytes to come, {storage.Count} {storage.DType} are expected"));
            }

            if (needed.Contains(storage) && storage.Bytes is null)
            {
                storage.Bytes = bytes.Bytes((long)storage.Length);
            }
            else
            {
                bytes.Skip((long)storage.Length);
            }
        }

        return needed.FirstOrDefault(s => s.Bytes is null) is { } absent ? throw bytes.Fail($"truncated, storage '{MessageText.Printable(absent.Key)}' is not there") : Stored(tensors);
    }

    // The storages in which these tensors lie, once all tensors are checked.
    private static HashSet<TorchStorage> Needed(OrderedDictionary<string, TorchTensor> tensors, long fileBytes, PickleBytes bytes)
    {
        var needed = new HashSet<TorchStorage>(ReferenceEqualityComparer.Instance);
        Int128 total = 0;
        foreach (var (name, tensor) in tensors)
        {
            total += tensor.Check(name, bytes);
            if (total > (Int128)MostSharing * fileBytes)
            {
                throw bytes.Fail($"the tensors have more than {MostSharing} times the bytes of the file");
            }

            if (tensor.Storage.Length > Array.MaxLength)
            {
                throw bytes.Fail(FormattableString.Invariant($"tensor '{MessageText.Printable(name)}' lies in a storage of {tensor.Storage.Count} {tensor.Storage.DType}, at most {Array.MaxLength} bytes are read"));
            }

            needed.Add(tensor.Storage);
        }

        return needed;
    }

    private static OrderedDictionary<string, StoredTensor> Stored(OrderedDictionary<string, TorchTensor> tensors)
    {
        var stored = new OrderedDictionary<string, StoredTensor>(StringComparer.Ordinal);
        foreach (var (name, tensor) in tensors)
        {
            stored.Add(name, tensor.ToStored());
        }

        return stored;
    }
}
