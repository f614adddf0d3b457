using System.Globalization;

namespace SmartFrz.Kernels.Tests;

/// <summary>Turns the instructions of a text into those of the interpreter. What it does not know it refuses: nothing is guessed.</summary>
internal sealed class PtxDecoder(PtxProgram program, PtxFunction function)
{
    /// <summary>Decodes one.</summary>
    public PtxOp Decode(PtxInstruction i)
    {
        string[] parts = i.Opcode.Split('.');
        return i.Family switch
        {
            "bra" => Make(i, PtxOpKind.Branch, [], [], target: function.Labels[i.Operands[0]], uniform: parts.Contains("uni") && i.Guard.Length > 0),
            "ret" or "exit" => Make(i, PtxOpKind.Exit, [], []),
            "bar" when parts.Contains("warp") => Make(i, PtxOpKind.WarpBarrier, [], []),
            "bar" or "barrier" when parts.Contains("sync") && i.Operands is ["0"] => Make(i, PtxOpKind.Barrier, [], []),
            "membar" or "fence" or "prefetch" or "prefetchu" => Make(i, PtxOpKind.Nothing, [], []),
            "ld" or "ldu" => Load(i, parts),
            "st" => Store(i, parts),
            "atom" or "red" => Atomic(i, parts),
            "cp" when i.Opcode.StartsWith("cp.async", StringComparison.Ordinal) => Copy(i, parts),
            "mma" or "ldmatrix" => Matrix(i, parts),
            "shfl" or "vote" or "activemask" => Make(
                i,
                PtxOpKind.Warp,
                Registers(i.Operands[0]),
                [.. i.Operands.Skip(1).SelectMany(Registers)],
                warp: PtxExchange.Of(i.Opcode) ?? throw Unknown(i)),
            "mov" when i.Operands.Any(o => o.StartsWith('{')) => Make(
                i, PtxOpKind.Warp, Registers(i.Operands[0]), Registers(i.Operands[1]), warp: PtxExchange.Pack, bytes: Bytes(parts[^1])),
            _ => Make(
                i,
                PtxOpKind.Lane,
                [program.Register(i.Operands[0])],
                [.. i.Operands.Skip(1).Select(program.Register)],
                lane: PtxArithmetic.Of(i.Opcode) ?? throw Unknown(i)),
        };
    }

    private static NotSupportedException Unknown(PtxInstruction i) => new($"the interpreter does not know {i.Opcode}");

    private static int Bytes(string type) => int.Parse(type.AsSpan(1), CultureInfo.InvariantCulture) / 8;

    private static PtxSpace Space(string[] parts) =>
        parts.Contains("global") ? PtxSpace.Global
        : parts.Contains("shared") ? PtxSpace.Shared
        : parts.Contains("local") ? PtxSpace.Local
        : parts.Contains("param") ? PtxSpace.Param
        : PtxSpace.Generic;

    private PtxOp Make(
        PtxInstruction i,
        PtxOpKind kind,
        int[] written,
        int[] read,
        PtxLaneFunction? lane = null,
        PtxWarpFunction? warp = null,
        PtxSpace space = PtxSpace.Generic,
        int bytes = 0,
        long offset = 0,
        int target = 0,
        bool uniform = false,
        int left = 0) => new()
        {
            Kind = kind,
            Text = $"{(i.Guard.Length > 0 ? $"@{(i.GuardNegated ? "!" : "")}{i.Guard} " : "")}{i.Opcode} {string.Join(", ", i.Operands)}",
            Guard = i.Guard.Length > 0 ? program.Register(i.Guard) : -1,
            GuardNegated = i.GuardNegated,
            Written = written,
            Read = read,
            Lane = lane,
            Warp = warp,
            Space = space,
            Bytes = bytes,
            Signed = kind == PtxOpKind.Load && i.Opcode.Split('.')[^1][0] == 's',
            Offset = offset,
            Target = target,
            Uniform = uniform,
            Left = left,
        };

    // One register, several in braces, or a pair joined by a bar.
    private int[] Registers(string operand) =>
        [.. operand.Trim('{', '}', ' ', '\t', '\n').Split(',', '|').Select(program.Register)];

    private PtxOp Load(PtxInstruction i, string[] parts)
    {
        var (register, offset) = program.Address(i.Operands[1]);
        return Make(i, PtxOpKind.Load, Registers(i.Operands[0]), [register], space: Space(parts), bytes: Bytes(parts[^1]), offset: offset);
    }

    private PtxOp Store(PtxInstruction i, string[] parts)
    {
        var (register, offset) = program.Address(i.Operands[0]);
        return Make(i, PtxOpKind.Store, [], [register, .. Registers(i.Operands[1])], space: Space(parts), bytes: Bytes(parts[^1]), offset: offset);
    }

    private PtxOp Atomic(PtxInstruction i, string[] parts)
    {
        bool returns = i.Family == "atom";
        var operands = returns ? i.Operands.Skip(1).ToArray() : [.. i.Operands];
        var (register, offset) = program.Address(operands[0]);
        PtxLaneFunction change = parts[^2] switch
        {
            "exch" => static (_, b, _) => b,
            "cas" when parts[^1] is "b32" => static (old, b, c) => (uint)old == (uint)b ? c : old,
            "cas" => static (old, b, c) => old == b ? c : old,
            _ => PtxArithmetic.Of($"{parts[^2]}.{parts[^1]}") ?? throw Unknown(i),
        };
        return Make(
            i,
            PtxOpKind.Atomic,
            returns ? Registers(i.Operands[0]) : [],
            [register, .. operands.Skip(1).Select(program.Register)],
            lane: change,
            space: Space(parts),
            bytes: Bytes(parts[^1]),
            offset: offset);
    }

    private PtxOp Copy(PtxInstruction i, string[] parts)
    {
        switch (parts[2])
        {
            case "commit_group":
                return Make(i, PtxOpKind.CopyCommit, [], []);
            case "wait_all":
                return Make(i, PtxOpKind.CopyWait, [], [], left: -1);
            case "wait_group":
                return Make(i, PtxOpKind.CopyWait, [], [], left: int.Parse(i.Operands[0], CultureInfo.InvariantCulture));
            case "ca" or "cg" when parts is [_, _, _, "shared", "global"]:
                var (to, toOffset) = program.Address(i.Operands[0]);
                var (from, fromOffset) = program.Address(i.Operands[1]);
                if (fromOffset != 0)
                {
                    throw Unknown(i);
                }

                int bytes = int.Parse(i.Operands[2], CultureInfo.InvariantCulture);
                int[] read = i.Operands.Count > 3 ? [to, from, program.Register(i.Operands[3])] : [to, from];
                return Make(i, PtxOpKind.CopyAsync, [], read, bytes: bytes, offset: toOffset);
            default:
                throw Unknown(i);
        }
    }

    private PtxOp Matrix(PtxInstruction i, string[] parts)
    {
        if (parts[0] == "mma")
        {
            var function = PtxMatrix.Product(i.Opcode) ?? throw Unknown(i);
            return Make(i, PtxOpKind.Warp, Registers(i.Operands[0]), [.. i.Operands.Skip(1).SelectMany(Registers)], warp: function);
        }

        if (!parts.Contains("m8n8") || !parts.Contains("b16") || Space(parts) != PtxSpace.Shared)
        {
            throw Unknown(i);
        }

        var (register, offset) = program.Address(i.Operands[1]);
        return Make(
            i,
            PtxOpKind.Warp,
            Registers(i.Operands[0]),
            [register],
            warp: parts.Contains("trans") ? PtxMatrix.LoadTransposed : PtxMatrix.Load,
            space: PtxSpace.Shared,
            offset: offset);
    }
}
