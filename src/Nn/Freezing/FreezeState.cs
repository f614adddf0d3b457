using System.Collections.Immutable;

namespace SmartFrz.Nn;

/// <summary>
/// The single truth about what is frozen: an immutable set of module and parameter names with a version. Checkpoints hold it; only
/// the freezer replaces it.
/// </summary>
/// <param name="Version">Grows by one with each change; caches of frozen results are keyed by it.</param>
/// <param name="Frozen">Dotted names of frozen modules and parameters, in ordinal order.</param>
public sealed record FreezeState(int Version, ImmutableSortedSet<string> Frozen)
{
    /// <summary>Nothing is frozen.</summary>
    public static FreezeState Empty { get; } = new(0, ImmutableSortedSet.Create<string>(StringComparer.Ordinal));

    /// <summary>Whether a module or parameter of that name is frozen.</summary>
    public bool IsFrozen(string name)
    {
        foreach (string prefix in Frozen)
        {
            if (DottedName.IsWithin(name, prefix))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The next version, with names added and removed.</summary>
    public FreezeState Change(IEnumerable<string> freeze, IEnumerable<string> thaw)
    {
        var frozen = Frozen.Except(thaw).Union(freeze);
        return frozen.SetEquals(Frozen) ? this : new FreezeState(Version + 1, frozen);
    }

    /// <summary>
    /// Writes the state into a network: frozen parameters lose gradient and gradient buffer, and a module computes as in evaluation
    /// when it lies under a frozen name, or all its parameters are frozen, or it is inside such a module.
    /// </summary>
    /// <exception cref="ArgumentException">A name matches nothing in the network.</exception>
    internal void WriteTo(Module network)
    {
        foreach (string name in Frozen)
        {
            if (!Names(network).Any(known => DottedName.IsWithin(known, name)))
            {
                throw new ArgumentException($"no module or parameter is named '{name}'");
            }
        }

        foreach (var parameter in network.Parameters())
        {
            parameter.IsFrozen = IsFrozen(parameter.Name);
        }

        WriteMode(network, frozenParent: false);
    }

    /// <summary>What can be frozen: the modules and parameters of a network by name.</summary>
    internal static IEnumerable<string> Names(Module network) =>
        network.Modules().Select(m => m.Path).Where(path => path.Length > 0).Concat(network.Parameters().Select(p => p.Name));

    // What is inside a frozen module computes as in evaluation too, a dropout without parameters of its own for one.
    private void WriteMode(Module module, bool frozenParent)
    {
        var parameters = module.Parameters().ToList();
        module.IsFrozen = frozenParent
            || (module.Path.Length > 0 && IsFrozen(module.Path))
            || (parameters.Count > 0 && parameters.TrueForAll(p => p.IsFrozen));
        foreach (var child in module.Children)
        {
            WriteMode(child, module.IsFrozen);
        }
    }
}
