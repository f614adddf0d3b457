using System.Globalization;

namespace SmartFrz.Kernels.Tests;

/// <summary>
/// Whether the registers and constants of an instruction suit its type, as the assembler demands: the same size; a float's register in no
/// instruction on integers and the reverse; untyped bits in all; a register may be wider than what is loaded, stored or converted.
/// </summary>
internal static class PtxTypes
{
    private static readonly HashSet<string> Unchecked =
        ["bra", "bar", "barrier", "ret", "exit", "call", "membar", "fence", "prefetch", "prefetchu", "trap", "shfl", "vote", "activemask", "mma", "ldmatrix", "cp"];

    /// <summary>What does not fit.</summary>
    public static IEnumerable<string> Problems(PtxFunction function) =>
        from i in function.Instructions
        from expected in Expected(i)
        where expected.Operand < i.Operands.Count
        from piece in Pieces(i.Operands[expected.Operand])
        where !Fits(function, piece, expected.Type, expected.MayBeWider)
        select $"{function.Name}: {piece} of {i.Opcode} is no {expected.Type}";

    private static IEnumerable<string> Pieces(string operand) => operand.Trim('{', '}').Split(',').Select(p => p.Trim(' ', '\t', '[', ']').Split('+')[0].Trim());

    private static IEnumerable<(int Operand, string Type, bool MayBeWider)> Expected(PtxInstruction i)
    {
        string[] parts = i.Opcode.Split('.');
        string type = parts[^1];
        if (Unchecked.Contains(i.Family) || (i.Family == "mov" && i.Operands.Any(o => o.StartsWith('{'))))
        {
            return [];
        }

        bool wideAddress = !parts.Contains("shared");
        var address = (int at) => wideAddress ? new[] { (at, "b64", false) } : [];
        return i.Family switch
        {
            "ld" => [(0, type, true), .. address(1)],
            "st" => [.. address(0), (1, type, true)],
            "red" => [.. address(0), (1, type, false), (2, type, false)],
            "atom" => [(0, type, false), .. address(1), (2, type, false), (3, type, false)],
            "cvt" => [(0, parts[^2], true), (1, type, true), (2, type, true)],
            "setp" => [(0, "pred", false), (1, type, false), (2, type, false), (3, "pred", false)],
            "selp" => [(0, type, false), (1, type, false), (2, type, false), (3, "pred", false)],
            "testp" => [(0, "pred", false), (1, type, false)],
            "shl" or "shr" => [(0, type, false), (1, type, false), (2, "u32", false)],
            "popc" or "clz" => [(0, "u32", false), (1, type, false)],
            "mul" or "mad" when parts.Contains("wide") => [(0, Twice(type), false), (1, type, false), (2, type, false), (3, Twice(type), false)],
            _ => [(0, type, false), (1, type, false), (2, type, false), (3, type, false)],
        };
    }

    private static string Twice(string type) => string.Create(CultureInfo.InvariantCulture, $"{type[0]}{2 * Bits(type)}");

    // Formats without registers of their own travel as untyped bits.
    private static int Bits(string type) => type switch
    {
        "bf16" => 16,
        "tf32" or "bf16x2" or "f16x2" => 32,
        _ => int.Parse(type.AsSpan(1), CultureInfo.InvariantCulture),
    };

    private static bool Fits(PtxFunction function, string piece, string type, bool mayBeWider)
    {
        string prefix = piece.TrimEnd([.. "0123456789"]);
        if (function.RegisterTypes.TryGetValue(prefix, out string? register))
        {
            if (type == "pred" || register == "pred")
            {
                return type == register;
            }

            bool size = mayBeWider ? Bits(register) >= Bits(type) : Bits(register) == Bits(type);
            return size && (register[0] == 'b' || type[0] == 'b' || (register[0] == 'f') == (type[0] == 'f'));
        }

        // Special registers and names of variables are what they are; a constant must be of the instruction's kind.
        if (piece.Length == 0 || !(char.IsAsciiDigit(piece[0]) || piece[0] == '-'))
        {
            return true;
        }

        bool isSingle = piece.StartsWith("0f", StringComparison.OrdinalIgnoreCase), isDouble = piece.StartsWith("0d", StringComparison.OrdinalIgnoreCase);
        return type switch
        {
            "f32" => isSingle,
            "f64" => isDouble,
            _ => type[0] == 'b' || !(isSingle || isDouble),
        };
    }
}
