using System.Numerics;

namespace SmartFrz.Kernels.Tests;

/// <summary>Which registers of a function still matter at each of its instructions, by the usual backward data flow.</summary>
/// <param name="LiveAtEntry">Registers that some path reads before it writes them.</param>
/// <param name="LargestSet">The most registers alive at once, in units of 32 bits; predicates are not counted.</param>
public sealed record PtxLiveness(IReadOnlyList<string> LiveAtEntry, int LargestSet)
{
    /// <summary>Works it out. Every jump must go to a label that exists.</summary>
    public static PtxLiveness Of(PtxFunction function)
    {
        var code = function.Instructions;
        var index = new Dictionary<string, int>();
        var written = code.Select(i => Indices(i.Written, index)).ToArray();
        var read = code.Select(i => Indices(i.Read, index)).ToArray();
        var jump = code.Select(i => i.JumpTarget.Length > 0 ? function.Labels[i.JumpTarget] : -1).ToArray();

        // One row of bits before each instruction, and an empty one after the last.
        int words = (index.Count + 63) / 64;
        var live = new ulong[code.Count + 1][];
        for (int i = 0; i < live.Length; i++)
        {
            live[i] = new ulong[words];
        }

        var set = new ulong[words];
        for (bool changed = true; changed;)
        {
            changed = false;
            for (int i = code.Count - 1; i >= 0; i--)
            {
                for (int w = 0; w < words; w++)
                {
                    set[w] = (code[i].Ends ? 0 : live[i + 1][w]) | (jump[i] >= 0 ? live[jump[i]][w] : 0);
                }

                // What runs under a condition may leave the old value.
                foreach (int register in code[i].Guard.Length == 0 ? written[i] : [])
                {
                    set[register / 64] &= ~(1UL << register);
                }

                foreach (int register in read[i])
                {
                    set[register / 64] |= 1UL << register;
                }

                if (!set.AsSpan().SequenceEqual(live[i]))
                {
                    set.CopyTo(live[i], 0);
                    changed = true;
                }
            }
        }

        var names = index.Keys.ToArray();
        var twice = Mask(names, words, r => Is(r, "%rd") || Is(r, "%fd"));
        var once = Mask(names, words, r => !Is(r, "%p"));
        int largest = live.Max(row => Count(row, once) + Count(row, twice));
        return new PtxLiveness([.. names.Where((_, r) => (live[0][r / 64] >> r & 1) != 0)], largest);
    }

    private static bool Is(string register, string prefix) =>
        register.StartsWith(prefix, StringComparison.Ordinal) && char.IsAsciiDigit(register[prefix.Length]);

    private static int[] Indices(IEnumerable<string> registers, Dictionary<string, int> index) =>
        [.. registers.Distinct().Select(r => index.TryGetValue(r, out int known) ? known : index[r] = index.Count)];

    private static ulong[] Mask(string[] names, int words, Func<string, bool> takes)
    {
        var mask = new ulong[words];
        for (int r = 0; r < names.Length; r++)
        {
            mask[r / 64] |= takes(names[r]) ? 1UL << r : 0;
        }

        return mask;
    }

    private static int Count(ulong[] row, ulong[] mask) => row.Select((bits, w) => BitOperations.PopCount(bits & mask[w])).Sum();
}
