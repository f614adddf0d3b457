using System.Globalization;
using System.Text.RegularExpressions;

namespace SmartFrz.Kernels.Tests;

/// <summary>One PTX instruction.</summary>
/// <param name="Opcode">With all its suffixes.</param>
/// <param name="Guard">The predicate register that decides whether it runs; empty when it always does.</param>
/// <param name="Operands">As written, separated at the outer commas.</param>
public sealed record PtxInstruction(string Opcode, string Guard, IReadOnlyList<string> Operands)
{
    // What these change is memory or control flow: no operand of theirs is written.
    private static readonly HashSet<string> WithoutResult =
        ["st", "bra", "bar", "barrier", "ret", "exit", "red", "membar", "fence", "trap", "brkpt", "prefetch", "prefetchu", "nanosleep", "discard", "call"];

    private static readonly Regex Register = new(@"%[A-Za-z_]\w*(?!\w*\.)", RegexOptions.Compiled);

    /// <summary>Whether it runs where the guard is false.</summary>
    public bool GuardNegated { get; init; }

    /// <summary>The opcode's first part.</summary>
    public string Family => Opcode.Split('.')[0];

    /// <summary>Whether the instruction after it is never reached from it.</summary>
    public bool Ends => Guard.Length == 0 && Family is "ret" or "exit" or "bra" or "trap";

    /// <summary>The label it may jump to; empty for other instructions.</summary>
    public string JumpTarget => Family == "bra" ? Operands[0] : "";

    /// <summary>Registers it writes.</summary>
    public IEnumerable<string> Written => HasResult ? RegistersOf(Operands[0]) : [];

    /// <summary>Registers it reads.</summary>
    public IEnumerable<string> Read
    {
        get
        {
            var operands = HasResult ? Operands.Skip(1) : Operands;
            var read = operands.SelectMany(RegistersOf);
            return Guard.Length > 0 ? read.Append(Guard) : read;
        }
    }

    private bool HasResult => Operands.Count > 0 && !WithoutResult.Contains(Family) && !Opcode.StartsWith("cp.async", StringComparison.Ordinal);

    private static IEnumerable<string> RegistersOf(string operand) =>
        Register.Matches(operand).Select(m => m.Value).Where(name => !PtxModule.SpecialRegisters.Contains(name));
}

/// <summary>A piece of memory that a text declares.</summary>
/// <param name="Space"><c>shared</c> or <c>local</c>.</param>
/// <param name="Name">Its name.</param>
/// <param name="Align">Its alignment in bytes; 0 when none is given.</param>
/// <param name="Bytes">Its size; 0 for the dynamic one.</param>
public sealed record PtxVariable(string Space, string Name, int Align, int Bytes);

/// <summary>A kernel or a function of a module.</summary>
public sealed class PtxFunction
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>The text before its body: name, parameters, limits.</summary>
    public required string Head { get; init; }

    /// <summary>Memory that is declared, in the order it stands.</summary>
    public List<PtxVariable> Variables { get; } = [];

    /// <summary>In the order they stand.</summary>
    public List<PtxInstruction> Instructions { get; } = [];

    /// <summary>The instruction each label stands before.</summary>
    public Dictionary<string, int> Labels { get; } = [];

    /// <summary>Labels that stand more than once.</summary>
    public List<string> RepeatedLabels { get; } = [];

    /// <summary>How many registers of each prefix are declared.</summary>
    public Dictionary<string, int> Registers { get; } = [];

    /// <summary>Of what type the registers of each prefix are.</summary>
    public Dictionary<string, string> RegisterTypes { get; } = [];

    /// <summary>Bytes of memory of each state space (<c>local</c>, <c>shared</c>) that are declared.</summary>
    public Dictionary<string, int> Bytes { get; } = [];
}

/// <summary>The functions of a PTX text, as far as a check needs them: statements, labels, registers, memory.</summary>
public sealed class PtxModule
{
    private static readonly Regex Comment = new(@"//[^\n]*|/\*.*?\*/", RegexOptions.Compiled | RegexOptions.Singleline);
    private static readonly Regex Head = new(@"\.(?:entry|func)\s*(?:\([^)]*\)\s*)?([A-Za-z_$][\w$]*)", RegexOptions.Compiled);
    private static readonly Regex RegisterDeclaration = new(@"^\.reg\s+\.(\w+)\s+(%\w*?)<(\d+)>$", RegexOptions.Compiled);
    private static readonly Regex MemoryDeclaration = new(@"^\.(local|shared)\s+(?:\.align\s+(?<align>\d+)\s+)?\.\w(?<bits>\d+)\s+(?<name>[\w$]+)(?:\[(?<count>\d*)\])?$", RegexOptions.Compiled);
    private static readonly Regex Instruction = new(@"^(?:@!?(%\w+)\s+)?([A-Za-z][\w.:]*)\s*(.*)$", RegexOptions.Compiled | RegexOptions.Singleline);

    private PtxModule()
    {
    }

    /// <summary>Registers of the hardware that have no dot in their name and are never declared.</summary>
    public static IReadOnlySet<string> SpecialRegisters { get; } = new HashSet<string>
    {
        "%laneid", "%warpid", "%nwarpid", "%smid", "%nsmid", "%gridid", "%clock", "%clock_hi", "%clock64", "%globaltimer",
        "%lanemask_eq", "%lanemask_le", "%lanemask_lt", "%lanemask_ge", "%lanemask_gt", "%dynamic_smem_size", "%total_smem_size",
    };

    /// <summary>Those that have a body.</summary>
    public List<PtxFunction> Functions { get; } = [];

    /// <summary>Memory declared outside all functions, by state space.</summary>
    public Dictionary<string, int> Bytes { get; } = [];

    /// <summary>Statements that were not understood.</summary>
    public List<string> Strange { get; } = [];

    /// <summary>Reads a text.</summary>
    public static PtxModule Parse(string text)
    {
        var module = new PtxModule();
        string source = Comment.Replace(text, "");
        PtxFunction? function = null;
        int depth = 0, at = 0;
        while (at < source.Length)
        {
            int end = EndOfStatement(source, at, out char mark);
            string statement = source[at..end].Trim();
            at = end + 1;
            switch (mark)
            {
                case '{' when depth == 0 && Head.Match(statement) is { Success: true } head:
                    function = new PtxFunction { Name = head.Groups[1].Value, Head = statement };
                    module.Functions.Add(function);
                    depth = 1;
                    break;
                case '{':
                    depth++;
                    break;
                case '}':
                    function = --depth == 0 ? null : function;
                    break;
                case ':':
                    if (function is null || !function.Labels.TryAdd(statement, function.Instructions.Count))
                    {
                        function?.RepeatedLabels.Add(statement);
                    }

                    break;
                default:
                    module.Add(function, statement);
                    break;
            }
        }

        return module;
    }

    // A statement ends at ';', a label at ':', a block begins or ends at a brace that no operand has opened. Directives at the head of a
    // module (.version and its like) end with their line.
    private static int EndOfStatement(string source, int at, out char mark)
    {
        int braces = 0;
        int begin = at;
        while (begin < source.Length && char.IsWhiteSpace(source[begin]))
        {
            begin++;
        }

        for (int i = begin; i < source.Length; i++)
        {
            mark = source[i];
            bool fresh = source.AsSpan(begin, i - begin).IsWhiteSpace();
            if (mark == '\n' && IsLineDirective(source.AsSpan(begin, i - begin)))
            {
                return i;
            }

            bool opensBlock = mark == '{' && braces == 0 && (fresh || (source[begin] == '.' && !source.AsSpan(begin, i - begin).Contains('=')));
            if (mark == ';' || opensBlock || (mark == '}' && braces == 0) || (mark == ':' && IsName(source.AsSpan(begin, i - begin))))
            {
                return i;
            }

            braces += mark == '{' ? 1 : mark == '}' ? -1 : 0;
        }

        mark = ';';
        return source.Length;
    }

    private static bool IsLineDirective(ReadOnlySpan<char> text) =>
        text.StartsWith(".version") || text.StartsWith(".target") || text.StartsWith(".address_size");

    private static bool IsName(ReadOnlySpan<char> text)
    {
        foreach (char c in text)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('_' or '$'))
            {
                return false;
            }
        }

        return text.Length > 0;
    }

    private void Add(PtxFunction? function, string statement)
    {
        if (statement.Length == 0)
        {
            return;
        }

        if (MemoryDeclaration.Match(statement) is { Success: true } memory)
        {
            var bytes = function?.Bytes ?? Bytes;
            var (space, count, align) = (memory.Groups[1].Value, memory.Groups["count"].Value, memory.Groups["align"].Value);
            int size = Number(memory.Groups["bits"].Value) / 8 * (count.Length == 0 ? 1 : Number(count));
            bytes[space] = bytes.GetValueOrDefault(space) + size;
            function?.Variables.Add(new PtxVariable(space, memory.Groups["name"].Value, align.Length == 0 ? 0 : Number(align), size));
        }
        else if (function is not null && RegisterDeclaration.Match(statement) is { Success: true } registers)
        {
            function.Registers[registers.Groups[2].Value] = Number(registers.Groups[3].Value);
            function.RegisterTypes[registers.Groups[2].Value] = registers.Groups[1].Value;
        }
        else if (function is not null && statement[0] != '.')
        {
            var m = Instruction.Match(statement);
            if (m.Success)
            {
                function.Instructions.Add(new PtxInstruction(m.Groups[2].Value, m.Groups[1].Value, Split(m.Groups[3].Value)) { GuardNegated = statement.StartsWith("@!", StringComparison.Ordinal) });
            }
            else
            {
                Strange.Add(statement);
            }
        }
    }

    private static List<string> Split(string operands)
    {
        var parts = new List<string>();
        int depth = 0, begin = 0;
        for (int i = 0; i <= operands.Length; i++)
        {
            char c = i < operands.Length ? operands[i] : ',';
            depth += c is '{' or '(' or '[' ? 1 : c is '}' or ')' or ']' ? -1 : 0;
            if (c == ',' && depth <= 0)
            {
                string part = operands[begin..i].Trim();
                if (part.Length > 0)
                {
                    parts.Add(part);
                }

                begin = i + 1;
            }
        }

        return parts;
    }

    private static int Number(string digits) => int.Parse(digits, CultureInfo.InvariantCulture);
}
