using System.Globalization;
using SmartFrz.Nn.Options;

namespace SmartFrz.Cli;

/// <summary>Lists of seeds on the command line: <c>1,2,3</c>.</summary>
internal static class Seeds
{
    /// <summary>The seeds, which must be distinct whole numbers.</summary>
    public static IReadOnlyList<ulong> Parse(string text)
    {
        var seeds = new List<ulong>();
        foreach (string part in text.Split(','))
        {
            if (!ulong.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out ulong seed))
            {
                throw new OptionException($"seed '{part}' in '{text}' is no whole number");
            }

            if (seeds.Contains(seed))
            {
                throw new OptionException($"seed {seed} stands twice in '{text}'");
            }

            seeds.Add(seed);
        }

        return seeds;
    }
}
