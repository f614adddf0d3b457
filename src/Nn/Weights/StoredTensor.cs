using System.Globalization;
using System.Runtime.InteropServices;

namespace SmartFrz.Nn.Weights;

/// <summary>A tensor as it lies in a weights file.</summary>
/// <param name="DType">The element type as the format names it: F64, F32, F16, BF16, I64, I32, U8, BOOL.</param>
/// <param name="Shape">The extents; none for a scalar.</param>
/// <param name="Bytes">The elements, little-endian, the last axis fastest.</param>
public sealed record StoredTensor(string DType, IReadOnlyList<int> Shape, ReadOnlyMemory<byte> Bytes)
{
    private static readonly OrderedDictionary<string, int> Sizes = new(StringComparer.Ordinal)
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

    /// <summary>A tensor of 32-bit integers.</summary>
    public static StoredTensor Of(ReadOnlySpan<int> values, params IReadOnlyList<int> shape) => new("I32", shape, MemoryMarshal.AsBytes(values).ToArray());

    /// <summary>A tensor of bytes.</summary>
    public static StoredTensor Of(ReadOnlySpan<byte> values, params IReadOnlyList<int> shape) => new("U8", shape, values.ToArray());

    /// <summary>The elements as floats: exact for F32, F16, BF16, U8 and BOOL, rounded to nearest for the others.</summary>
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

    /// <summary>The elements as doubles: exact but for I64 beyond 2^53.</summary>
    public double[] ToDoubles() =>
        DType == "F64" ? MemoryMarshal.Cast<byte, double>(Bytes.Span).ToArray()
        : DType is "F32" or "F16" or "BF16" ? Array.ConvertAll(ToFloats(), v => (double)v)
        : Array.ConvertAll(ToLongs(), v => (double)v);

    /// <summary>The elements as 64-bit integers; true is 1.</summary>
    /// <exception cref="WeightsFormatException">They are not whole numbers.</exception>
    public long[] ToLongs()
    {
        var bytes = Bytes.Span;
        return DType switch
        {
            "I64" => MemoryMarshal.Cast<byte, long>(bytes).ToArray(),
            "I32" => Array.ConvertAll(MemoryMarshal.Cast<byte, int>(bytes).ToArray(), v => (long)v),
            "U8" => Array.ConvertAll(bytes.ToArray(), v => (long)v),
            "BOOL" => Array.ConvertAll(bytes.ToArray(), v => v == 0 ? 0L : 1L),
            _ => throw new WeightsFormatException($"a tensor of {DType} was found where whole numbers are expected"),
        };
    }

    /// <summary>The same numbers in another floating-point type, rounded to the nearest; a tensor of whole numbers stays as it is.</summary>
    /// <param name="type">F64, F32, F16 or BF16.</param>
    /// <exception cref="ArgumentException">It is none of these.</exception>
    public StoredTensor To(string type)
    {
        if (type == DType || DType is not ("F64" or "F32" or "F16" or "BF16"))
        {
            return this;
        }

        double[] values = ToDoubles();
        return type switch
        {
            "F64" => Of(values, Shape),
            "F32" => Of(Array.ConvertAll(values, v => (float)v), Shape),
            "F16" => Of(Array.ConvertAll(values, v => (Half)v), Shape),
            "BF16" => new StoredTensor(type, Shape, MemoryMarshal.AsBytes<ushort>(Array.ConvertAll(values, BFloat16)).ToArray()),
            _ => throw new ArgumentException($"type {type}, expected F64, F32, F16 or BF16", nameof(type)),
        };
    }

    /// <summary><c>F32 (16,3,3,3)</c>.</summary>
    public override string ToString() => Describe(DType, Shape);

    // The upper half of a float, rounded to nearest, ties to even. The float takes the double's rounding to odd first, so that two
    // roundings are one.
    private static ushort BFloat16(double value)
    {
        float single = (float)value;
        if (!float.IsFinite(single))
        {
            return float.IsNaN(single) ? (ushort)0x7FC0 : (ushort)(BitConverter.SingleToUInt32Bits(single) >> 16);
        }

        uint bits = BitConverter.SingleToUInt32Bits(single);
        if (single != value)
        {
            // Towards zero, and the last bit set: the inexact remainder stays visible.
            bits = (Math.Abs((double)single) > Math.Abs(value) ? bits - 1 : bits) | 1;
        }

        return (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }

    /// <summary>The types that a file may hold.</summary>
    internal static IEnumerable<string> Types => Sizes.Keys;

    /// <summary>Bytes of an element, or 0 for a type that is not known.</summary>
    internal static int SizeOf(string type) => Sizes.GetValueOrDefault(type);

    /// <summary>The bytes of a tensor, or null where they are more than a file can hold.</summary>
    internal static long? BytesOf(string type, IEnumerable<long> shape)
    {
        UInt128 bytes = (uint)SizeOf(type);
        foreach (long extent in shape)
        {
            // Far above every file and far below an overflow: 2^63 times 2^63.
            if (extent < 0 || bytes > long.MaxValue)
            {
                return null;
            }

            bytes *= (UInt128)extent;
        }

        return bytes > long.MaxValue ? null : (long)bytes;
    }

    internal static string Describe(string type, IEnumerable<int> shape) =>
        $"{type} ({string.Join(",", shape.Select(d => d.ToString(CultureInfo.InvariantCulture)))})";
}
