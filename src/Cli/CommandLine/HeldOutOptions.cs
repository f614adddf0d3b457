using System.CommandLine;
using SmartFrz.Freeze;
using SmartFrz.Nn.Options;

namespace SmartFrz.Cli;

/// <summary>Which runs of a set of histories are tested on and never learned from: whole seeds, and whole networks.</summary>
internal sealed class HeldOutOptions
{
    /// <summary><c>--held-out-seeds</c>.</summary>
    public Option<string?> Seeds { get; } = new("--held-out-seeds") { Description = "Seeds whose runs are tested on and never learned from, separated by commas" };

    /// <summary><c>--held-out-models</c>.</summary>
    public Option<string?> Models { get; } = new("--held-out-models") { Description = "Networks whose runs are tested on and never learned from, separated by commas" };

    /// <summary>The examples to learn from and those to test on.</summary>
    /// <exception cref="OptionException">One side has none, or a network has no run.</exception>
    public (List<int> Training, List<int> HeldOut) Split(ParseResult result, HistoryDataset data)
    {
        var (seeds, models) = (result.GetValue(Seeds), result.GetValue(Models));
        if (seeds is null && models is null)
        {
            throw new OptionException("--held-out-seeds or --held-out-models is needed with --histories");
        }

        var heldSeeds = seeds is null ? [] : SmartFrz.Cli.Seeds.Parse(seeds).ToHashSet();
        string[] heldModels = models?.Split(',') ?? [];
        var known = data.Records.Select(r => r.Model).Distinct().ToList();
        if (Array.Find(heldModels, m => !known.Contains(m)) is { } unknown)
        {
            throw new OptionException($"--held-out-models: there is no run of '{unknown}', the histories are of {string.Join(", ", known)}");
        }

        var all = Enumerable.Range(0, data.Records.Count).ToLookup(i => heldSeeds.Contains(data.Records[i].Seed) || heldModels.Contains(data.Records[i].Model));
        return all[false].Any() && all[true].Any()
            ? ([.. all[false]], [.. all[true]])
            : throw new OptionException(
                $"held-out {string.Join(" and ", new[] { seeds is null ? null : $"seeds {seeds}", models is null ? null : $"networks {models}" }.OfType<string>())} leave "
                + $"{all[false].Count()} examples to learn from and {all[true].Count()} to test on");
    }
}
