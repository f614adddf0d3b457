using SmartFrz.Nn.Options;

namespace SmartFrz.Nn;

/// <summary>Parameters with a learning rate or weight decay of their own.</summary>
public sealed record GroupOptions
{
    /// <summary>
    /// Which parameters: names of modules or parameters, as whole dotted segments (<c>layer1</c>), or patterns with <c>*</c> for the whole name
    /// of a parameter (<c>*.bias</c>).
    /// </summary>
    public IReadOnlyList<string> Match { get; init; } = [];

    /// <summary>Their learning rate as a multiple of the others'.</summary>
    /// <value>Default 1.</value>
    public float LrFactor { get; init; } = 1f;

    /// <summary>Their weight decay; null for the others'.</summary>
    public float? WeightDecay { get; init; }

    /// <summary>Whether a parameter belongs to it.</summary>
    public bool Has(string name) => Match.Any(m => Matches(name, m));

    /// <summary>The groups of a network's parameters: each is in the first group that it matches; those that match none are in the last.</summary>
    /// <exception cref="OptionException">An option has no sense, or a group matches nothing.</exception>
    internal static IReadOnlyList<ParameterGroup> Of(Module network, OptimizerOptions options)
    {
        var rest = network.Parameters().ToList();
        var groups = new List<ParameterGroup>();
        for (int g = 0; g < options.Groups.Count; g++)
        {
            var group = options.Groups[g];
            string at = FormattableString.Invariant($"optimizer.groups[{g}]");
            RequireNumber($"{at}.lr_factor", group.LrFactor);
            RequireNumber($"{at}.weight_decay", group.WeightDecay ?? 0f);
            foreach (string match in group.Match)
            {
                if (!network.Parameters().Any(p => Matches(p.Name, match)))
                {
                    throw new OptionException($"option '{at}.match': no parameter is within or like '{match}'");
                }
            }

            var own = rest.Where(p => group.Has(p.Name)).ToList();
            rest.RemoveAll(own.Contains);
            if (own.Count == 0)
            {
                throw new OptionException($"option '{at}.match' leaves no parameter that is not in a group before it");
            }

            groups.Add(new ParameterGroup(own, group.LrFactor, group.WeightDecay ?? options.WeightDecay));
        }

        if (rest.Count > 0)
        {
            groups.Add(new ParameterGroup(rest, 1f, options.WeightDecay));
        }

        return groups;
    }

    private static bool Matches(string name, string match) => match.Contains('*', StringComparison.Ordinal)
        ? System.IO.Enumeration.FileSystemName.MatchesSimpleExpression(match, name, ignoreCase: false)
        : DottedName.IsWithin(name, match);

    private static void RequireNumber(string option, float value)
    {
        if (!(float.IsFinite(value) && value >= 0))
        {
            throw new OptionException(FormattableString.Invariant($"option '{option}' is {value}, expected a number of at least 0"));
        }
    }
}
