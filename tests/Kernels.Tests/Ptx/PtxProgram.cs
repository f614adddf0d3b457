using System.Globalization;
using System.Text.RegularExpressions;

namespace SmartFrz.Kernels.Tests;

/// <summary>A kernel, decoded once for many launches.</summary>
internal sealed class PtxProgram
{
    /// <summary>Where shared memory begins: not at zero, so that a null pointer is none of it.</summary>
    public const long SharedBase = 1 << 16;

    /// <summary>Where a thread's own memory begins.</summary>
    public const long LocalBase = 1 << 28;

    private static readonly Regex Parameter = new(@"\.param\s+(?:\.align\s+(\d+)\s+)?\.[a-z](\d+)\s+([\w$]+)(?:\[(\d+)\])?", RegexOptions.Compiled);
    private static readonly Regex AddressForm = new(@"^\[\s*([%\w$.]+?)\s*(?:([+-])\s*(\d+))?\s*\]$", RegexOptions.Compiled);

    private readonly Dictionary<string, int> _registers = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> _symbols = new(StringComparer.Ordinal);

    private PtxProgram(string name) => Name = name;

    public string Name { get; }

    public IReadOnlyList<PtxOp> Ops { get; private set; } = [];

    public int Registers => _registers.Count;

    /// <summary>Registers that hold a constant.</summary>
    public List<(int Register, ulong Value)> Constants { get; } = [];

    /// <summary>Registers that hold what the hardware knows of a thread, by name.</summary>
    public Dictionary<string, int> Specials { get; } = [];

    public int ParameterBytes { get; private set; }

    public int SharedBytes { get; private set; }

    public int LocalBytes { get; private set; }

    /// <summary>Decodes the only kernel of a text.</summary>
    public static PtxProgram Parse(string ptx)
    {
        var module = PtxModule.Parse(ptx);
        var function = module.Functions.Single(f => f.Head.Contains(".entry", StringComparison.Ordinal));
        var program = new PtxProgram(function.Name);
        program.Lay(function);
        var decoder = new PtxDecoder(program, function);
        program.Ops = [.. function.Instructions.Select(decoder.Decode)];
        int[] meeting = PtxReconvergence.Of(program.Ops);
        for (int i = 0; i < meeting.Length; i++)
        {
            program.Ops[i].Reconvergence = meeting[i];
        }

        return program;
    }

    /// <summary>The number of the register behind an operand: a register, a constant, a variable's address or a special register.</summary>
    public int Register(string operand)
    {
        operand = operand.Trim();
        if (_registers.TryGetValue(operand, out int known))
        {
            return known;
        }

        int index = _registers[operand] = _registers.Count;
        if (operand[0] != '%')
        {
            ulong value = _symbols.TryGetValue(operand, out long address) ? (ulong)address
                : PtxArithmetic.TryConstant(operand, out ulong bits) ? bits
                : throw new NotSupportedException($"{Name}: what is {operand}?");
            Constants.Add((index, value));
        }
        else if (operand.Contains('.', StringComparison.Ordinal) || PtxModule.SpecialRegisters.Contains(operand))
        {
            Specials[operand] = index;
        }

        return index;
    }

    /// <summary>The register and the offset of an address.</summary>
    public (int Register, long Offset) Address(string operand)
    {
        var m = AddressForm.Match(operand.Replace('\t', ' '));
        if (!m.Success)
        {
            throw new NotSupportedException($"{Name}: the address {operand} is not understood");
        }

        long offset = m.Groups[3].Length > 0 ? long.Parse(m.Groups[3].ValueSpan, CultureInfo.InvariantCulture) : 0;
        return (Register(m.Groups[1].Value), m.Groups[2].Value == "-" ? -offset : offset);
    }

    private static int Up(int at, int align) => (at + align - 1) / align * align;

    private void Lay(PtxFunction function)
    {
        foreach (Match m in Parameter.Matches(function.Head))
        {
            int element = int.Parse(m.Groups[2].ValueSpan, CultureInfo.InvariantCulture) / 8;
            int bytes = element * (m.Groups[4].Length > 0 ? int.Parse(m.Groups[4].ValueSpan, CultureInfo.InvariantCulture) : 1);
            int align = m.Groups[1].Length > 0 ? int.Parse(m.Groups[1].ValueSpan, CultureInfo.InvariantCulture) : element;
            ParameterBytes = Up(ParameterBytes, align);
            _symbols[m.Groups[3].Value] = ParameterBytes;
            ParameterBytes += bytes;
        }

        foreach (var variable in function.Variables)
        {
            int align = Math.Max(1, variable.Align);
            if (variable.Space == "shared")
            {
                SharedBytes = Up(SharedBytes, align);
                _symbols[variable.Name] = SharedBase + SharedBytes;
                SharedBytes += variable.Bytes;
            }
            else
            {
                LocalBytes = Up(LocalBytes, align);
                _symbols[variable.Name] = LocalBase + LocalBytes;
                LocalBytes += variable.Bytes;
            }
        }
    }
}
