using SmartFrz.Nn;
using SmartFrz.Nn.Options;

namespace SmartFrz.Freeze;

/// <summary>Freezing by hand: names of parameters and modules, in whole dotted segments. Unlike policies it may name the head.</summary>
public static class FrozenNames
{
    /// <summary>Reads a list such as <c>conv1,layer1.0.bn1.weight</c>.</summary>
    /// <exception cref="OptionException">A name is empty.</exception>
    public static IReadOnlyList<string> Parse(string text)
    {
        string[] names = text.Split(',', StringSplitOptions.TrimEntries);
        return names.Contains("") ? throw new OptionException($"'{text}' holds an empty name, expected names as in conv1,layer1.0") : names;
    }

    /// <summary>Complains about a name that is neither that of a parameter or module nor the beginning of one.</summary>
    /// <exception cref="OptionException">There is one.</exception>
    public static void Check(Network network, IEnumerable<string> names)
    {
        var known = FreezeState.Names(network).ToList();
        foreach (string name in names)
        {
            if (!known.Exists(k => DottedName.IsWithin(k, name)))
            {
                throw new OptionException(
                    $"no module or parameter of {network.Name} is named '{name}'{OptionBinder.DidYouMean(name, known)}; its units are {string.Join(", ", network.Units.Select(u => string.Join("+", u.Prefixes)))}");
            }
        }
    }
}
