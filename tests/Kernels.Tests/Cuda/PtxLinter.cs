using System.Globalization;
using System.Text.RegularExpressions;

namespace SmartFrz.Kernels.Tests;

/// <summary>What the linter has to say about a PTX text.</summary>
/// <param name="Problems">Each a reason why the text would not assemble, not run, or not keep the kernels' rules.</param>
/// <param name="Instructions">Instructions of all functions.</param>
/// <param name="LiveRegisters">32-bit registers alive at once at most, before the assembler's own optimisation.</param>
/// <param name="LocalBytes">Thread-local memory: what did not fit in registers.</param>
/// <param name="SharedBytes">Static shared memory.</param>
public sealed record PtxReport(IReadOnlyList<string> Problems, int Instructions, int LiveRegisters, int LocalBytes, int SharedBytes);

/// <summary>Checks PTX text without an assembler: what ILGPU gets wrong silently, and what the kernels' own rules forbid.</summary>
public static class PtxLinter
{
    // The limit of static shared memory of a group on every architecture.
    private const int MaxSharedBytes = 48 << 10;

    private static readonly (Regex Opcode, string Why)[] Forbidden =
    [
        (new(@"^tanh\.approx\.ftz", RegexOptions.Compiled), "is no PTX instruction"),
        (new(@"^tanh\.", RegexOptions.Compiled), "has an error of 2^-11, too coarse for a gradient"),
        (new(@"^(red|atom)\..*\.(f16|f16x2|bf16|bf16x2|f32|f64)$", RegexOptions.Compiled), "adds in whatever order threads arrive: results would differ from run to run"),
        (new(@"^(div|sqrt|rcp|sin|cos|lg2|ex2|rsqrt|add|mul|fma|mad)\.(.*\.)?ftz\b", RegexOptions.Compiled), "flushes denormals: results would differ from the CPU's"),
    ];

    private static readonly Regex Hopper = new(@"^(stmatrix|wgmma|setmaxnreg|cp\.async\.bulk|mbarrier\.try_wait|barrier\.cluster)", RegexOptions.Compiled);
    private static readonly Regex Target = new(@"^\s*\.target\s+sm_(\d+)", RegexOptions.Compiled | RegexOptions.Multiline);

    /// <summary>Checks a text.</summary>
    public static PtxReport Check(string ptx)
    {
        var problems = new List<string>();
        var module = PtxModule.Parse(ptx);
        problems.AddRange(module.Strange.Select(s => $"not understood: {s}"));
        if (module.Functions.Count == 0)
        {
            problems.Add("there is no function");
        }

        int target = Target.Match(ptx) is { Success: true } m ? int.Parse(m.Groups[1].ValueSpan, CultureInfo.InvariantCulture) : 0;
        int shared = module.Bytes.GetValueOrDefault("shared"), local = module.Bytes.GetValueOrDefault("local"), live = 0;
        var names = module.Functions.Select(f => f.Name).ToHashSet(StringComparer.Ordinal);
        foreach (var function in module.Functions)
        {
            shared += function.Bytes.GetValueOrDefault("shared");
            local += function.Bytes.GetValueOrDefault("local");
            CheckInstructions(function, names, target, problems);
            problems.AddRange(PtxTypes.Problems(function).Distinct());
            if (CheckLabels(function, problems))
            {
                var flow = PtxLiveness.Of(function);
                problems.AddRange(flow.LiveAtEntry.Select(r => $"{function.Name}: {r} may be read before it is written"));
                live = Math.Max(live, flow.LargestSet);
            }
        }

        if (shared > MaxSharedBytes)
        {
            problems.Add(string.Create(CultureInfo.InvariantCulture, $"{shared} bytes of static shared memory, {MaxSharedBytes} is the limit"));
        }

        return new PtxReport(problems, module.Functions.Sum(f => f.Instructions.Count), live, local, shared);
    }

    private static void CheckInstructions(PtxFunction function, HashSet<string> functions, int target, List<string> problems)
    {
        foreach (var i in function.Instructions)
        {
            foreach (string register in i.Written.Concat(i.Read).Where(r => !IsDeclared(function, r)).Distinct())
            {
                problems.Add($"{function.Name}: {register} of {i.Opcode} is not declared");
            }

            if (i.Family == "call" && Callee(i) is { } callee && !functions.Contains(callee))
            {
                problems.Add($"{function.Name}: call of {callee}, which is not defined");
            }

            foreach (var (opcode, why) in Forbidden.Where(f => f.Opcode.IsMatch(i.Opcode)).Take(1))
            {
                problems.Add($"{function.Name}: {i.Opcode} {why}");
            }

            if (target < 90 && Hopper.IsMatch(i.Opcode))
            {
                problems.Add(string.Create(CultureInfo.InvariantCulture, $"{function.Name}: {i.Opcode} needs sm_90, the target is sm_{target}"));
            }
        }

        if (function.Instructions.Count == 0 || !function.Instructions[^1].Ends)
        {
            problems.Add($"{function.Name}: the last instruction runs on past the end");
        }
    }

    private static bool CheckLabels(PtxFunction function, List<string> problems)
    {
        int before = problems.Count;
        problems.AddRange(function.RepeatedLabels.Select(l => $"{function.Name}: label {l} stands more than once"));
        problems.AddRange(
            function.Instructions.Where(i => i.JumpTarget.Length > 0 && !function.Labels.ContainsKey(i.JumpTarget))
                .Select(i => $"{function.Name}: {i.Opcode} to {i.JumpTarget}, which is no label"));
        return problems.Count == before;
    }

    // call (result), name, (arguments): the result is optional.
    private static string? Callee(PtxInstruction call) => call.Operands.FirstOrDefault(o => !o.StartsWith('('));

    private static bool IsDeclared(PtxFunction function, string register)
    {
        int digits = register.Length;
        while (digits > 0 && char.IsAsciiDigit(register[digits - 1]))
        {
            digits--;
        }

        return digits < register.Length
            && function.Registers.TryGetValue(register[..digits], out int count)
            && int.Parse(register.AsSpan(digits), CultureInfo.InvariantCulture) < count;
    }
}
