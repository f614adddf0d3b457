using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using SmartFrz.Nn.Options;

namespace SmartFrz.Freeze;

/// <summary>A named experiment: a comparison, or several that differ in their configuration. Data and nothing else.</summary>
/// <remarks>Every <c>NAME.json</c> in this folder is embedded and found, so a new study is a new file.</remarks>
public sealed record Study
{
    private const string Prefix = "study/", Suffix = ".json";

    /// <summary>Its name, that of its file.</summary>
    public string Name { get; init; } = "";

    /// <summary>What it asks, in one line.</summary>
    public required string Description { get; init; }

    /// <summary>The policies; the first is what the others are compared with.</summary>
    public required IReadOnlyList<string> Policies { get; init; }

    /// <summary>The seeds.</summary>
    public required IReadOnlyList<ulong> Seeds { get; init; }

    /// <summary>What its runs have in common, over the defaults of a run.</summary>
    public JsonObject Config { get; init; } = [];

    /// <summary>Its comparisons: name and what of the configuration is its own. At least one.</summary>
    public OrderedDictionary<string, JsonObject> Variants { get; init; } = new() { ["all"] = [] };

    /// <summary>The studies of this library by name.</summary>
    public static IReadOnlyDictionary<string, Study> All()
    {
        var assembly = Assembly.GetExecutingAssembly();
        return assembly.GetManifestResourceNames()
            .Where(r => r.StartsWith(Prefix, StringComparison.Ordinal))
            .Order(StringComparer.Ordinal)
            .Select(r => Read(assembly, r))
            .ToDictionary(s => s.Name, StringComparer.Ordinal);
    }

    /// <summary>The configuration of a comparison, as <see cref="RunConfig.Read"/> takes it.</summary>
    /// <param name="variant">One of <see cref="Variants"/>.</param>
    public JsonObject ConfigOf(string variant)
    {
        var json = (JsonObject)Config.DeepClone();
        foreach (var (section, values) in Variants[variant])
        {
            var into = json[section] as JsonObject ?? [];
            json[section] = into;
            foreach (var (key, value) in (JsonObject)values!)
            {
                into[key] = value?.DeepClone();
            }
        }

        return json;
    }

    private static Study Read(Assembly assembly, string resource)
    {
        using var stream = assembly.GetManifestResourceStream(resource)!;
        return JsonSerializer.Deserialize<Study>(stream, OptionBinder.Json)! with { Name = resource[Prefix.Length..^Suffix.Length] };
    }
}
