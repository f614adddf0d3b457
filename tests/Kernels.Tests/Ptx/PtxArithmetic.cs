using System.Globalization;
using System.Numerics;
using static System.BitConverter;

namespace SmartFrz.Kernels.Tests;

/// <summary>
/// Instructions that take registers and give one register. Registers are 64 bits wide here; each instruction looks at as many of them as its
/// type has, and what it leaves above does not matter.
/// </summary>
internal static class PtxArithmetic
{
    /// <summary>The function of an opcode, or null where it is none of these.</summary>
    public static PtxLaneFunction? Of(string opcode)
    {
        string[] parts = opcode.Split('.');
        string type = parts[^1];
        switch (parts[0])
        {
            case "mov" or "cvta":
                return static (a, _, _) => a;
            case "setp":
                return Compare(parts, type);
            case "selp":
                return static (a, b, p) => (p & 1) != 0 ? a : b;
            case "testp":
                return Test(parts[1], type);
            case "cvt":
                return PtxConversion.Of(parts);
            default:
                return type switch
                {
                    "pred" => Logic(parts[0], 1),
                    "b16" => Logic(parts[0], 16),
                    "b32" => Logic(parts[0], 32),
                    "b64" => Logic(parts[0], 64),
                    "s16" => Integer<short, int>(parts),
                    "u16" => Integer<ushort, uint>(parts),
                    "s32" => Integer<int, long>(parts),
                    "u32" => Integer<uint, ulong>(parts),
                    "s64" => Integer<long, Int128>(parts),
                    "u64" => Integer<ulong, UInt128>(parts),
                    "f32" => Single(parts[0]),
                    "f64" => Double(parts[0]),
                    _ => null,
                };
        }
    }

    private static float F(ulong bits) => UInt32BitsToSingle((uint)bits);

    private static ulong F(float value) => SingleToUInt32Bits(value);

    private static double D(ulong bits) => UInt64BitsToDouble(bits);

    private static ulong D(double value) => DoubleToUInt64Bits(value);

    private static PtxLaneFunction? Logic(string name, int bits)
    {
        ulong mask = bits == 64 ? ulong.MaxValue : (1UL << bits) - 1;
        return name switch
        {
            "and" => static (a, b, _) => a & b,
            "or" => static (a, b, _) => a | b,
            "xor" => static (a, b, _) => a ^ b,
            "not" => (a, _, _) => ~a & mask,
            "shl" => (a, b, _) => (uint)b >= (uint)bits ? 0 : a << (int)b & mask,
            "shr" => (a, b, _) => (uint)b >= (uint)bits ? 0 : (a & mask) >> (int)b,
            "popc" => (a, _, _) => (ulong)BitOperations.PopCount(a & mask),
            "clz" => (a, _, _) => (ulong)(BitOperations.LeadingZeroCount(a & mask) - (64 - bits)),
            _ => null,
        };
    }

    private static PtxLaneFunction? Integer<T, TWide>(string[] parts)
        where T : unmanaged, IBinaryInteger<T>, IMinMaxValue<T>
        where TWide : unmanaged, IBinaryInteger<TWide>
    {
        static T Get(ulong bits) => T.CreateTruncating(bits);
        static ulong Put(T value) => ulong.CreateTruncating(value);
        static TWide Wide(ulong bits) => TWide.CreateTruncating(Get(bits));
        static ulong PutWide(TWide value) => ulong.CreateTruncating(value);
        int bits = System.Runtime.CompilerServices.Unsafe.SizeOf<T>() * 8;
        string how = parts.Length > 2 ? parts[1] : "";
        return (parts[0], how) switch
        {
            ("add", "") => static (a, b, _) => Put(Get(a) + Get(b)),
            ("sub", "") => static (a, b, _) => Put(Get(a) - Get(b)),
            ("mul", "lo") => static (a, b, _) => Put(Get(a) * Get(b)),
            ("mul", "wide") => static (a, b, _) => PutWide(Wide(a) * Wide(b)),
            ("mul", "hi") => (a, b, _) => PutWide(Wide(a) * Wide(b) >> bits),
            ("mad", "lo") => static (a, b, c) => Put((Get(a) * Get(b)) + Get(c)),
            ("mad", "wide") => static (a, b, c) => PutWide((Wide(a) * Wide(b)) + TWide.CreateTruncating(c)),
            ("mad", "hi") => (a, b, c) => PutWide((Wide(a) * Wide(b) >> bits) + Wide(c)),

            // The result of a division by zero is not defined: something that shows.
            ("div", "") => static (a, b, _) => Get(b) == T.Zero ? 0xDEADDEADDEADDEAD : PutWide(Wide(a) / Wide(b)),
            ("rem", "") => static (a, b, _) => Get(b) == T.Zero ? 0xDEADDEADDEADDEAD : PutWide(Wide(a) % Wide(b)),
            ("min", "") => static (a, b, _) => Put(T.Min(Get(a), Get(b))),
            ("max", "") => static (a, b, _) => Put(T.Max(Get(a), Get(b))),
            ("neg", "") => static (a, _, _) => Put(T.Zero - Get(a)),
            ("abs", "") => static (a, _, _) => Put(Get(a) < T.Zero ? T.Zero - Get(a) : Get(a)),
            ("shr", "") => (a, b, _) => Put(Get(a) >> (int)Math.Min((uint)b, (uint)bits - 1) >> ((uint)b >= (uint)bits ? 1 : 0)),
            _ => null,
        };
    }

    private static PtxLaneFunction? Single(string name) => name switch
    {
        "add" => static (a, b, _) => F(F(a) + F(b)),
        "sub" => static (a, b, _) => F(F(a) - F(b)),
        "mul" => static (a, b, _) => F(F(a) * F(b)),
        "div" => static (a, b, _) => F(F(a) / F(b)),
        "fma" or "mad" => static (a, b, c) => F(MathF.FusedMultiplyAdd(F(a), F(b), F(c))),
        "min" => static (a, b, _) => F(float.MinNumber(F(a), F(b))),
        "max" => static (a, b, _) => F(float.MaxNumber(F(a), F(b))),
        "abs" => static (a, _, _) => F(MathF.Abs(F(a))),
        "neg" => static (a, _, _) => F(-F(a)),
        "rcp" => static (a, _, _) => F(1f / F(a)),
        "sqrt" => static (a, _, _) => F(MathF.Sqrt(F(a))),
        "rsqrt" => static (a, _, _) => F((float)(1 / Math.Sqrt(F(a)))),
        "ex2" => static (a, _, _) => F((float)Math.Pow(2, F(a))),
        "lg2" => static (a, _, _) => F((float)Math.Log2(F(a))),
        "sin" => static (a, _, _) => F(MathF.Sin(F(a))),
        "cos" => static (a, _, _) => F(MathF.Cos(F(a))),
        "copysign" => static (a, b, _) => F(MathF.CopySign(F(b), F(a))),
        _ => null,
    };

    private static PtxLaneFunction? Double(string name) => name switch
    {
        "add" => static (a, b, _) => D(D(a) + D(b)),
        "sub" => static (a, b, _) => D(D(a) - D(b)),
        "mul" => static (a, b, _) => D(D(a) * D(b)),
        "div" => static (a, b, _) => D(D(a) / D(b)),
        "fma" or "mad" => static (a, b, c) => D(Math.FusedMultiplyAdd(D(a), D(b), D(c))),
        "min" => static (a, b, _) => D(double.MinNumber(D(a), D(b))),
        "max" => static (a, b, _) => D(double.MaxNumber(D(a), D(b))),
        "abs" => static (a, _, _) => D(Math.Abs(D(a))),
        "neg" => static (a, _, _) => D(-D(a)),
        "rcp" => static (a, _, _) => D(1 / D(a)),
        "sqrt" => static (a, _, _) => D(Math.Sqrt(D(a))),
        _ => null,
    };

    private static PtxLaneFunction? Test(string what, string type)
    {
        Func<ulong, double>? value = type switch { "f32" => static v => F(v), "f64" => D, _ => null };
        Func<double, bool>? test = what switch
        {
            "notanumber" => double.IsNaN,
            "number" => static v => !double.IsNaN(v),
            "finite" => double.IsFinite,
            "infinite" => double.IsInfinity,
            _ => null,
        };
        return value is null || test is null ? null : (a, _, _) => test(value(a)) ? 1UL : 0;
    }

    // A comparison may be joined with a predicate: setp.lt.and.s32 p, a, b, q.
    private static PtxLaneFunction? Compare(string[] parts, string type)
    {
        string how = parts[1];
        Func<ulong, ulong, bool>? compare = type switch
        {
            "f32" => Floats(how, static v => F(v)),
            "f64" => Floats(how, D),
            "s16" => Ordered<short>(how),
            "u16" or "b16" => Ordered<ushort>(how),
            "s32" => Ordered<int>(how),
            "u32" or "b32" => Ordered<uint>(how),
            "s64" => Ordered<long>(how),
            "u64" or "b64" => Ordered<ulong>(how),
            _ => null,
        };
        if (compare is null)
        {
            return null;
        }

        return (parts.Length > 3 ? parts[2] : "") switch
        {
            "and" => (a, b, c) => compare(a, b) ? c & 1 : 0,
            "or" => (a, b, c) => compare(a, b) ? 1 : c & 1,
            "xor" => (a, b, c) => compare(a, b) ? ~c & 1 : c & 1,
            _ => (a, b, _) => compare(a, b) ? 1UL : 0,
        };
    }

    private static Func<ulong, ulong, bool>? Ordered<T>(string how)
        where T : IBinaryInteger<T>
        => how switch
        {
            "eq" => static (a, b) => T.CreateTruncating(a) == T.CreateTruncating(b),
            "ne" => static (a, b) => T.CreateTruncating(a) != T.CreateTruncating(b),
            "lt" or "lo" => static (a, b) => T.CreateTruncating(a) < T.CreateTruncating(b),
            "le" or "ls" => static (a, b) => T.CreateTruncating(a) <= T.CreateTruncating(b),
            "gt" or "hi" => static (a, b) => T.CreateTruncating(a) > T.CreateTruncating(b),
            "ge" or "hs" => static (a, b) => T.CreateTruncating(a) >= T.CreateTruncating(b),
            _ => null,
        };

    // With a 'u' behind it a comparison also holds where one side is NaN.
    private static Func<ulong, ulong, bool>? Floats(string how, Func<ulong, double> value) => how switch
    {
        "eq" => (a, b) => value(a) == value(b),
        "ne" => (a, b) => value(a) < value(b) || value(a) > value(b),
        "lt" => (a, b) => value(a) < value(b),
        "le" => (a, b) => value(a) <= value(b),
        "gt" => (a, b) => value(a) > value(b),
        "ge" => (a, b) => value(a) >= value(b),
        "equ" => (a, b) => !(value(a) < value(b) || value(a) > value(b)),
        "neu" => (a, b) => value(a) != value(b),
        "ltu" => (a, b) => !(value(a) >= value(b)),
        "leu" => (a, b) => !(value(a) > value(b)),
        "gtu" => (a, b) => !(value(a) <= value(b)),
        "geu" => (a, b) => !(value(a) < value(b)),
        "num" => (a, b) => !double.IsNaN(value(a)) && !double.IsNaN(value(b)),
        "nan" => (a, b) => double.IsNaN(value(a)) || double.IsNaN(value(b)),
        _ => null,
    };

    /// <summary>The bits of a constant operand: an integer, or a float as 0f or 0d with its bits in hexadecimal.</summary>
    public static bool TryConstant(string operand, out ulong bits)
    {
        var text = operand.AsSpan();
        if (text.StartsWith("0f", StringComparison.OrdinalIgnoreCase) || text.StartsWith("0d", StringComparison.OrdinalIgnoreCase))
        {
            return ulong.TryParse(text[2..], NumberStyles.HexNumber, CultureInfo.InvariantCulture, out bits);
        }

        if (text.StartsWith("0x", StringComparison.OrdinalIgnoreCase))
        {
            return ulong.TryParse(text[2..].TrimEnd('U'), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out bits);
        }

        if (text.StartsWith("-") && long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long negative))
        {
            bits = (ulong)negative;
            return true;
        }

        return ulong.TryParse(text.TrimEnd('U'), NumberStyles.None, CultureInfo.InvariantCulture, out bits);
    }
}
