using System.Reflection;
using System.Text.Json.Nodes;
using SmartFrz.Nn.Options;

namespace SmartFrz.Nn;

/// <summary>What every optimizer takes. Each has a record of its own, with defaults that suit it.</summary>
public abstract record OptimizerOptions
{
    /// <summary>The learning rate that the schedule starts from.</summary>
    public float Lr { get; init; }

    /// <summary>Weight decay. It reaches every trainable parameter, biases and norms too.</summary>
    public float WeightDecay { get; init; }

    /// <summary>Parameters with a learning rate or weight decay of their own, each by the first group that it matches.</summary>
    /// <value>Default: none.</value>
    public IReadOnlyList<GroupOptions> Groups { get; init; } = [];
}

/// <summary>Makes optimizers of one name. Every implementation is found by reflection, so a new optimizer is a new file.</summary>
public interface IOptimizerFamily
{
    /// <summary>The name it answers to.</summary>
    string Name { get; }

    /// <summary>One line for help texts.</summary>
    string Description { get; }

    /// <summary>The record of its options, an <see cref="OptimizerOptions"/>.</summary>
    Type Options { get; }

    /// <summary>Makes an optimizer over all parameters of a network.</summary>
    /// <exception cref="OptionException">A value has no sense.</exception>
    Optimizer Create(Module network, OptimizerOptions options);
}

/// <summary>A family with a typed options record.</summary>
public abstract class OptimizerFamily<TOptions> : IOptimizerFamily
    where TOptions : OptimizerOptions, new()
{
    /// <inheritdoc/>
    public abstract string Name { get; }

    /// <inheritdoc/>
    public abstract string Description { get; }

    /// <inheritdoc/>
    public Type Options => typeof(TOptions);

    /// <inheritdoc/>
    public Optimizer Create(Module network, OptimizerOptions options)
    {
        if (!(float.IsFinite(options.Lr) && options.Lr >= 0))
        {
            throw new OptionException(FormattableString.Invariant($"option 'optimizer.lr' is {options.Lr}, expected a number of at least 0"));
        }

        if (!(float.IsFinite(options.WeightDecay) && options.WeightDecay >= 0))
        {
            throw new OptionException(FormattableString.Invariant($"option 'optimizer.weight_decay' is {options.WeightDecay}, expected a number of at least 0"));
        }

        return Create(GroupOptions.Of(network, options), (TOptions)options);
    }

    /// <summary>Makes an optimizer.</summary>
    /// <param name="groups">The parameters, with their learning rates and weight decays.</param>
    /// <param name="options">The options.</param>
    protected abstract Optimizer Create(IReadOnlyList<ParameterGroup> groups, TOptions options);
}

/// <summary>An optimizer chosen by name, with its options.</summary>
/// <param name="Family">Who makes it.</param>
/// <param name="Options">Its options, defaults filled in.</param>
public sealed record OptimizerChoice(IOptimizerFamily Family, OptimizerOptions Options)
{
    /// <summary>Makes the optimizer over all parameters of a network.</summary>
    /// <exception cref="OptionException">A value has no sense.</exception>
    public Optimizer Create(Module network) => Family.Create(network, Options);
}

/// <summary>Finds optimizers by name.</summary>
public static class Optimizers
{
    /// <summary>All families of this library, and of other assemblies that bring their own.</summary>
    public static IReadOnlyDictionary<string, IOptimizerFamily> All(params IEnumerable<Assembly> others) =>
        NamedParts.Of<IOptimizerFamily>(f => [f.Name], others.Prepend(typeof(Optimizers).Assembly));

    /// <summary>Reads the section <c>optimizer</c> of a configuration: <c>name</c> (default sgd) and the options of that optimizer.</summary>
    /// <exception cref="OptionException">The name or an option is unknown.</exception>
    public static OptimizerChoice Read(JsonObject? section, params IEnumerable<Assembly> others)
    {
        var (name, options) = OptionBinder.Named(section, "optimizer", "sgd");
        var family = OptionBinder.Find("optimizer", name, All(others));
        return new OptimizerChoice(family, (OptimizerOptions)OptionBinder.Bind(family.Options, options, "optimizer"));
    }
}
