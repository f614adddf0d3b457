using static System.BitConverter;

namespace SmartFrz.Kernels.Tests;

/// <summary>Conversions between number types.</summary>
internal static class PtxConversion
{
    /// <summary>The function of cvt.[rounding.][.sat.]to.from, or null where it is not known.</summary>
    public static PtxLaneFunction? Of(string[] parts)
    {
        if (parts.Length < 3)
        {
            return null;
        }

        var (to, from) = (parts[^2], parts[^1]);
        var how = parts[1..^2];
        if (how.Contains("sat") || how.Contains("ftz"))
        {
            return null;
        }

        if (to is "bf16x2" or "f16x2")
        {
            // The first operand goes to the upper half.
            return to == "bf16x2" ? static (a, b, _) => (ulong)Bf16(a) << 16 | Bf16(b) : static (a, b, _) => (ulong)Half16(a) << 16 | Half16(b);
        }

        if (to == "tf32")
        {
            // Nearest, ties away from zero, 10 bits of mantissa stay.
            return static (a, _, _) => ((uint)a & 0x7F800000) == 0x7F800000 ? (uint)a : ((uint)a + 0x1000) & ~0x1FFFu;
        }

        if (to == "bf16")
        {
            return from == "f32" ? static (a, _, _) => Bf16(a) : null;
        }

        return IsFloat(from) ? FromFloat(to, from, how) : FromInteger(to, from);
    }

    private static bool IsFloat(string type) => type[0] is 'f' or 'b';

    private static ushort Bf16(ulong bits)
    {
        uint value = (uint)bits;
        return float.IsNaN(UInt32BitsToSingle(value)) ? (ushort)0x7FFF : (ushort)(value + 0x7FFF + (value >> 16 & 1) >> 16);
    }

    private static ushort Half16(ulong bits) => HalfToUInt16Bits((Half)UInt32BitsToSingle((uint)bits));

    private static PtxLaneFunction? FromFloat(string to, string from, string[] how)
    {
        Func<ulong, double>? read = from switch
        {
            "f16" => static v => (double)UInt16BitsToHalf((ushort)v),
            "bf16" => static v => UInt32BitsToSingle((uint)v << 16),
            "f32" => static v => UInt32BitsToSingle((uint)v),
            "f64" => static v => UInt64BitsToDouble(v),
            _ => null,
        };
        Func<double, double> round = how.Contains("rni") ? static v => Math.Round(v, MidpointRounding.ToEven)
            : how.Contains("rzi") ? Math.Truncate
            : how.Contains("rmi") ? Math.Floor
            : how.Contains("rpi") ? Math.Ceiling
            : static v => v;

        // Integers saturate and NaN becomes zero, as the casts of .NET do. A float goes through double once, which rounds once.
        Func<double, ulong>? write = to switch
        {
            "f16" => static v => HalfToUInt16Bits((Half)v),
            "f32" => static v => SingleToUInt32Bits((float)v),
            "f64" => static v => DoubleToUInt64Bits(v),
            "s8" => static v => (ulong)(sbyte)Math.Clamp(double.IsNaN(v) ? 0 : v, sbyte.MinValue, sbyte.MaxValue),
            "u8" => static v => (byte)Math.Clamp(double.IsNaN(v) ? 0 : v, 0, byte.MaxValue),
            "s16" => static v => (ulong)(short)Math.Clamp(double.IsNaN(v) ? 0 : v, short.MinValue, short.MaxValue),
            "u16" => static v => (ushort)Math.Clamp(double.IsNaN(v) ? 0 : v, 0, ushort.MaxValue),
            "s32" => static v => (ulong)(int)v,
            "u32" => static v => (uint)v,
            "s64" => static v => (ulong)(long)v,
            "u64" => static v => (ulong)v,
            _ => null,
        };
        return read is null || write is null ? null : (a, _, _) => write(round(read(a)));
    }

    private static PtxLaneFunction? FromInteger(string to, string from)
    {
        Func<ulong, long>? read = from switch
        {
            "s8" => static v => (sbyte)v,
            "u8" => static v => (byte)v,
            "s16" => static v => (short)v,
            "u16" => static v => (ushort)v,
            "s32" => static v => (int)v,
            "u32" => static v => (uint)v,
            "s64" or "u64" => static v => (long)v,
            _ => null,
        };
        if (read is null)
        {
            return null;
        }

        bool large = from == "u64";
        return to switch
        {
            "f32" => (a, _, _) => SingleToUInt32Bits(large ? (float)a : (float)read(a)),
            "f64" => (a, _, _) => DoubleToUInt64Bits(large ? (double)a : (double)read(a)),
            "f16" => (a, _, _) => HalfToUInt16Bits((Half)read(a)),
            "s8" => (a, _, _) => (ulong)(sbyte)read(a),
            "u8" => (a, _, _) => (byte)read(a),
            "s16" => (a, _, _) => (ulong)(short)read(a),
            "u16" => (a, _, _) => (ushort)read(a),
            "s32" => (a, _, _) => (ulong)(int)read(a),
            "u32" => (a, _, _) => (uint)read(a),
            "s64" or "u64" => (a, _, _) => (ulong)read(a),
            _ => null,
        };
    }
}
