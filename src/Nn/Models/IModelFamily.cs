using System.Reflection;
using System.Text.Json.Nodes;
using SmartFrz.Nn.Options;

namespace SmartFrz.Nn;

/// <summary>Networks of one kind. Every implementation is found by reflection, so a new model is a new file.</summary>
public interface IModelFamily
{
    /// <summary>The names it answers to.</summary>
    IReadOnlyList<string> Names { get; }

    /// <summary>One line for help texts.</summary>
    string Description { get; }

    /// <summary>The record of its options (the section <c>model</c> of a configuration).</summary>
    Type Options { get; }

    /// <summary>Builds a network.</summary>
    /// <param name="scope">A root scope.</param>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="options">The options record.</param>
    Network Build(ModuleScope scope, string name, object options);
}

/// <summary>A family with a typed options record.</summary>
public abstract class ModelFamily<TOptions> : IModelFamily
    where TOptions : class, new()
{
    /// <inheritdoc/>
    public abstract IReadOnlyList<string> Names { get; }

    /// <inheritdoc/>
    public abstract string Description { get; }

    /// <inheritdoc/>
    public Type Options => typeof(TOptions);

    /// <inheritdoc/>
    public Network Build(ModuleScope scope, string name, object options) => Build(scope, name, (TOptions)options);

    /// <summary>Builds a network.</summary>
    protected abstract Network Build(ModuleScope scope, string name, TOptions options);
}

/// <summary>Finds and builds networks by name.</summary>
public static class ModelZoo
{
    /// <summary>All families of this library, and of other assemblies that bring their own, by the names they answer to.</summary>
    public static IReadOnlyDictionary<string, IModelFamily> All(params IEnumerable<Assembly> others) =>
        NamedParts.Of<IModelFamily>(f => f.Names, others.Prepend(typeof(ModelZoo).Assembly));

    /// <summary>Builds a network.</summary>
    /// <param name="scope">A root scope.</param>
    /// <param name="name">Its name, as in <c>resnet20</c>.</param>
    /// <param name="options">Its options; null for the defaults.</param>
    /// <param name="others">Assemblies with models of their own.</param>
    /// <exception cref="OptionException">The name or an option is unknown.</exception>
    public static Network Build(ModuleScope scope, string name, JsonObject? options = null, params IEnumerable<Assembly> others)
    {
        var family = OptionBinder.Find("model", name, All(others));
        return family.Build(scope, name, OptionBinder.Bind(family.Options, options, "model"));
    }

    /// <summary>Whether a model takes another form for small images, as <see cref="IFormBySize"/>.</summary>
    public static bool HasFormBySize(string name, params IEnumerable<Assembly> others) =>
        typeof(IFormBySize).IsAssignableFrom(OptionBinder.Find("model", name, All(others)).Options);

    /// <summary>The keys of a model's options.</summary>
    public static IReadOnlyList<string> OptionsOf(string name, params IEnumerable<Assembly> others) =>
        OptionBinder.Keys(OptionBinder.Find("model", name, All(others)).Options);
}
