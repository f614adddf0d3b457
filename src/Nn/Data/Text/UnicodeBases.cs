using System.Collections.Frozen;
using System.Globalization;

namespace SmartFrz.Nn.Data;

/// <summary>What is left of a character when it is decomposed (NFD) and its accents (category Mn) are taken away.</summary>
/// <remarks>
/// From a table of its own, as a program without the operating system's Unicode library cannot decompose, and so that the same text has
/// the same tokens everywhere. Source: <c>bench/peers/unicode_bases.py</c>.
/// </remarks>
internal static class UnicodeBases
{
    // Hangul syllables are made of a leading consonant, a vowel and perhaps a trailing consonant (Unicode, section 3.12).
    private const int FirstSyllable = 0xAC00, LastSyllable = 0xD7A3, FirstLead = 0x1100, FirstVowel = 0x1161, BeforeFirstTail = 0x11A7, Vowels = 21, Tails = 28;

    private static readonly FrozenDictionary<int, int[]> Table = Read();

    /// <summary>Appends what is left of a character: nothing, itself, or others.</summary>
    public static void Append(int code, List<int> to)
    {
        // ASCII has no accents.
        if (code < 0x80)
        {
            to.Add(code);
        }
        else if (code is >= FirstSyllable and <= LastSyllable)
        {
            int index = code - FirstSyllable;
            to.Add(FirstLead + (index / (Vowels * Tails)));
            to.Add(FirstVowel + (index / Tails % Vowels));
            if (index % Tails > 0)
            {
                to.Add(BeforeFirstTail + (index % Tails));
            }
        }
        else if (Table.TryGetValue(code, out int[]? bases))
        {
            to.AddRange(bases);
        }
        else if (CharUnicodeInfo.GetUnicodeCategory(code) != UnicodeCategory.NonSpacingMark)
        {
            to.Add(code);
        }
    }

    private static FrozenDictionary<int, int[]> Read()
    {
        const string resource = "unicode-bases.txt";
        using var stream = typeof(UnicodeBases).Assembly.GetManifestResourceStream(resource)
            ?? throw new InvalidOperationException($"the resource {resource} is missing");
        using var reader = new StreamReader(stream);
        var table = new Dictionary<int, int[]>();
        while (reader.ReadLine() is { } line)
        {
            if (line.StartsWith('#'))
            {
                continue;
            }

            string[] parts = line.Split(' ');
            int first = Code(parts[0]);
            for (int i = 1; i < parts.Length; i++)
            {
                table.Add(first + i - 1, parts[i] == "-" ? [] : [.. parts[i].Split('+').Select(Code)]);
            }
        }

        return table.ToFrozenDictionary();
    }

    private static int Code(string text) => int.Parse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
}
