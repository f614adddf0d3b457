using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace SmartFrz.Kernels.Tests;

/// <summary>What is kept of a kernel's PTX: enough to tell that it has changed since somebody looked, or since a GPU ran it.</summary>
/// <param name="Kernel">Class, method and type arguments.</param>
/// <param name="Hash">Of the normalised text.</param>
/// <param name="Instructions">How many.</param>
/// <param name="LiveRegisters">An estimate, before the assembler's own work.</param>
/// <param name="SharedBytes">Static shared memory.</param>
/// <param name="Gpu">The device and the day this very text was last assembled and run on, or never.</param>
internal sealed partial record PtxSnapshot(string Kernel, string Hash, int Instructions, int LiveRegisters, int SharedBytes, string Gpu)
{
    /// <summary>What stands where no GPU has run the text.</summary>
    public const string Never = "never";

    private const string Head =
        "# The kernels' PTX for sm_80, normalised: kernel, hash, instructions, live registers (estimate), bytes of static shared memory,\n" +
        "# GPU and day that this very text was last assembled and run on.";

    /// <summary>Of a text that no GPU has run.</summary>
    public static PtxSnapshot Of(string kernel, string ptx)
    {
        var report = PtxLinter.Check(ptx);
        byte[] hash = SHA256.HashData(Encoding.UTF8.GetBytes(Normalise(ptx)));
        return new PtxSnapshot(kernel, Convert.ToHexStringLower(hash)[..16], report.Instructions, report.LiveRegisters, report.SharedBytes, Never);
    }

    /// <summary>
    /// The text without what changes from run to run: ILGPU numbers labels and parameters through a whole process.
    /// </summary>
    public static string Normalise(string ptx)
    {
        var numbers = new Dictionary<string, string>(StringComparer.Ordinal);
        string text = ptx.ReplaceLineEndings("\n");
        return ProcessWide().Replace(
            text,
            m => numbers.TryGetValue(m.Value, out string? known) ? known : numbers[m.Value] = string.Create(CultureInfo.InvariantCulture, $"{m.Groups[1].Value}#{numbers.Count}"));
    }

    /// <summary>Reads the file.</summary>
    public static Dictionary<string, PtxSnapshot> Read(string path) =>
        File.ReadLines(path)
            .Where(line => line.Length > 0 && line[0] != '#')
            .Select(line => line.Split('\t'))
            .Select(f => new PtxSnapshot(f[0], f[1], Number(f[2]), Number(f[3]), Number(f[4]), f[5]))
            .ToDictionary(s => s.Kernel, StringComparer.Ordinal);

    /// <summary>Writes the file; a text that has not changed keeps the GPU it ran on.</summary>
    public static void Write(string path, IEnumerable<PtxSnapshot> snapshots, IReadOnlyDictionary<string, PtxSnapshot> before)
    {
        var text = new StringBuilder(Head).Append('\n');
        foreach (var s in snapshots)
        {
            string gpu = before.TryGetValue(s.Kernel, out var old) && old.Hash == s.Hash ? old.Gpu : Never;
            text.Append(CultureInfo.InvariantCulture, $"{s.Kernel}\t{s.Hash}\t{s.Instructions}\t{s.LiveRegisters}\t{s.SharedBytes}\t{gpu}\n");
        }

        File.WriteAllText(path, text.ToString());
    }

    private static int Number(string digits) => int.Parse(digits, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"\b(L_|_?[A-Za-z]\w*_)\d{3,}\b")]
    private static partial Regex ProcessWide();
}
