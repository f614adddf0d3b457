using System.Globalization;
using System.Text;

namespace SmartFrz.Nn.Data;

/// <summary>Cuts a text into words as BERT's uncased basic tokenizer does.</summary>
/// <remarks>
/// Computes: control characters (categories Cc, Cf, Co and halves of surrogate pairs), U+0000 and U+FFFD go; white space separates; each
/// Chinese character stands alone; letters become lower case (a sigma at the end of a word its final form), are decomposed (NFD) and lose
/// their accents (category Mn); each punctuation mark (category P, and all ASCII characters that are no letter, digit or space) stands alone.
/// Source: Devlin et al., "BERT" (arXiv 1810.04805), BasicTokenizer; private-use characters go as in HuggingFace's.
/// </remarks>
internal sealed class BertWords
{
    private const int CapitalSigma = 0x3A3, Sigma = 0x3C3, FinalSigma = 0x3C2, DottedCapitalI = 0x130;

    // Marks within words that the rule of the final sigma looks past (Word_Break MidLetter, MidNumLet and Single_Quote).
    private const string WithinWords = "'.:\u00B7\u0387\u055F\u05F4\u2018\u2019\u2024\u2027\uFE13\uFE52\uFE55\uFF07\uFF0E\uFF1A";

    private readonly List<int> _part = [];
    private readonly List<int> _bases = [];
    private readonly StringBuilder _word = new();
    private readonly List<string> _words = [];

    private BertWords()
    {
    }

    /// <summary>The words of a text, in their order.</summary>
    public static List<string> Split(string text)
    {
        var split = new BertWords();
        foreach (var rune in text.EnumerateRunes())
        {
            split.Take(rune);
        }

        split.EndPart();
        return split._words;
    }

    private void Take(Rune rune)
    {
        int code = rune.Value;
        var category = Rune.GetUnicodeCategory(rune);
        if (IsSpace(code, category))
        {
            EndPart();
        }
        else if (code is 0 or 0xFFFD || category is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.PrivateUse)
        {
            // Halves of surrogate pairs come as U+FFFD.
        }
        else if (IsChinese(code))
        {
            EndPart();
            _part.Add(code);
            EndPart();
        }
        else
        {
            _part.Add(code);
        }
    }

    // What stands between white space: its letters made small and bare, then cut at punctuation.
    private void EndPart()
    {
        _bases.Clear();
        for (int i = 0; i < _part.Count; i++)
        {
            int code = _part[i];
            if (code == DottedCapitalI)
            {
                // Its small form is an i with a dot above, an accent.
                _bases.Add('i');
            }
            else
            {
                UnicodeBases.Append(code == CapitalSigma ? SmallSigma(i) : Rune.ToLowerInvariant(new Rune(code)).Value, _bases);
            }
        }

        foreach (int code in _bases)
        {
            if (IsPunctuation(code))
            {
                EndWord();
                _word.Append(new Rune(code).ToString());
                EndWord();
            }
            else
            {
                _word.Append(new Rune(code).ToString());
            }
        }

        EndWord();
        _part.Clear();
    }

    private void EndWord()
    {
        if (_word.Length > 0)
        {
            _words.Add(_word.ToString());
            _word.Clear();
        }
    }

    // Final where a letter goes before and none follows, marks that belong to words apart (Unicode's SpecialCasing, Final_Sigma).
    private int SmallSigma(int at)
    {
        int before = at - 1, after = at + 1;
        while (before >= 0 && IsCaseIgnorable(_part[before]))
        {
            before--;
        }

        while (after < _part.Count && IsCaseIgnorable(_part[after]))
        {
            after++;
        }

        return before >= 0 && IsCased(_part[before]) && (after == _part.Count || !IsCased(_part[after])) ? FinalSigma : Sigma;
    }

    private static bool IsCased(int code) =>
        // Besides letters: feminine and masculine ordinals, Roman numerals, letters in circles and squares.
        code is 0xAA or 0xBA or (>= 0x2160 and <= 0x217F) or (>= 0x24B6 and <= 0x24E9) or (>= 0x1F130 and <= 0x1F149) or (>= 0x1F150 and <= 0x1F169) or (>= 0x1F170 and <= 0x1F189)
        || CharUnicodeInfo.GetUnicodeCategory(code) is UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter;

    private static bool IsCaseIgnorable(int code) =>
        (code <= char.MaxValue && WithinWords.Contains((char)code, StringComparison.Ordinal))
        || CharUnicodeInfo.GetUnicodeCategory(code) is UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark or UnicodeCategory.Format
            or UnicodeCategory.ModifierLetter or UnicodeCategory.ModifierSymbol;

    private static bool IsSpace(int code, UnicodeCategory category) =>
        code is '\t' or '\n' or '\r'
        || category is UnicodeCategory.SpaceSeparator or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator;

    // The blocks of unified and compatibility ideographs that BERT knows, not kana or Hangul, which are written with spaces or are letters.
    private static bool IsChinese(int code) =>
        code is (>= 0x4E00 and <= 0x9FFF) or (>= 0x3400 and <= 0x4DBF) or (>= 0x20000 and <= 0x2A6DF) or (>= 0x2A700 and <= 0x2B73F)
            or (>= 0x2B740 and <= 0x2B81F) or (>= 0x2B820 and <= 0x2CEAF) or (>= 0xF900 and <= 0xFAFF) or (>= 0x2F800 and <= 0x2FA1F);

    private static bool IsPunctuation(int code) =>
        code is (>= 33 and <= 47) or (>= 58 and <= 64) or (>= 91 and <= 96) or (>= 123 and <= 126)
        || CharUnicodeInfo.GetUnicodeCategory(code) is UnicodeCategory.ConnectorPunctuation or UnicodeCategory.DashPunctuation
            or UnicodeCategory.OpenPunctuation or UnicodeCategory.ClosePunctuation or UnicodeCategory.InitialQuotePunctuation
            or UnicodeCategory.FinalQuotePunctuation or UnicodeCategory.OtherPunctuation;
}
