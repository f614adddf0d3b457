using System.Reflection;
using System.Text.Json.Nodes;
using SmartFrz.Nn.Options;

namespace SmartFrz.Freeze;

/// <summary>Finds policies by name: every <see cref="IFreezePolicyFactory"/> of the given assemblies.</summary>
public static class FreezePolicies
{
    /// <summary>The factories of this library, and of other assemblies that bring their own.</summary>
    public static IReadOnlyDictionary<string, IFreezePolicyFactory> All(params IEnumerable<Assembly> others) =>
        NamedParts.Of<IFreezePolicyFactory>(f => [f.Name], others.Prepend(typeof(FreezePolicies).Assembly));

    /// <summary>A policy by name.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="options">Its options; null for the defaults.</param>
    /// <param name="others">Assemblies with policies of their own.</param>
    /// <exception cref="OptionException">The name or an option is unknown.</exception>
    public static FreezePolicy Create(string name, JsonObject? options = null, params IEnumerable<Assembly> others)
    {
        var factory = OptionBinder.Find("policy", name, All(others));
        return factory.Create(OptionBinder.Bind(factory.Options, options, "freeze"));
    }
}
