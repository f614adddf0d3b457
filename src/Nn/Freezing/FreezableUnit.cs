namespace SmartFrz.Nn;

/// <summary>A part of a network that is frozen as a whole: stem, block or head.</summary>
/// <param name="Name">Its name in reports, as in <c>layer1.0</c>.</param>
/// <param name="Prefixes">The modules or parameters it consists of, as dotted names.</param>
/// <param name="IsHead">Whether it is the classifier, which policies never freeze.</param>
public sealed record FreezableUnit(string Name, IReadOnlyList<string> Prefixes, bool IsHead = false)
{
    /// <summary>A unit that is one module.</summary>
    public FreezableUnit(string name)
        : this(name, [name])
    {
    }

    /// <summary>Whether a parameter or module of that dotted name belongs to it.</summary>
    public bool Contains(string name) => Prefixes.Any(p => DottedName.IsWithin(name, p));

    // A module with a parameter of rank 2 or more begins a unit; what has only vectors (norms) goes with the unit before it. Layers
    // of a head are heads.
    internal static IReadOnlyList<FreezableUnit> LayersOf(Module network, IReadOnlyList<FreezableUnit> blocks)
    {
        var units = new List<(List<string> Prefixes, bool IsHead)>();
        foreach (var module in network.Modules().Where(m => m.OwnParameters.Count > 0))
        {
            if (units.Count == 0 || module.OwnParameters.Any(p => p.Shape.Rank >= 2))
            {
                units.Add(([.. module.Prefixes], blocks.Any(b => b.IsHead && b.Contains(module.Path))));
            }
            else
            {
                units[^1].Prefixes.AddRange(module.Prefixes);
            }
        }

        return [.. units.Select(u => new FreezableUnit(u.Prefixes[0], u.Prefixes, u.IsHead))];
    }
}

/// <summary>Names of modules and parameters: segments joined by dots.</summary>
public static class DottedName
{
    /// <summary>Whether <paramref name="name"/> is <paramref name="prefix"/> or lies inside it; whole segments count (<c>a.1</c> is not in <c>a.10</c>).</summary>
    public static bool IsWithin(string name, string prefix) =>
        prefix.Length == 0
        || (name.StartsWith(prefix, StringComparison.Ordinal) && (name.Length == prefix.Length || name[prefix.Length] == '.'));
}
