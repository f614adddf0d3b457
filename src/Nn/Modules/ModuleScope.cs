using SmartFrz.Tensors;

namespace SmartFrz.Nn;

/// <summary>Where a module is built: its engine, its dotted name and the seed its parameters start from.</summary>
/// <remarks>
/// Initial values are keyed by (seed, parameter name), so they depend neither on the order of construction nor on the device.
/// </remarks>
public sealed class ModuleScope
{
    private ModuleScope(Engine engine, string path, ulong seed, ModuleTree tree)
    {
        Engine = engine;
        Path = path;
        Seed = seed;
        Tree = tree;
    }

    /// <summary>The engine that parameters live in.</summary>
    public Engine Engine { get; }

    /// <summary>The dotted name; empty at the root.</summary>
    public string Path { get; }

    /// <summary>The seed of the initial values.</summary>
    public ulong Seed { get; }

    internal ModuleTree Tree { get; }

    /// <summary>The scope of a network.</summary>
    public static ModuleScope Root(Engine engine, ulong seed) => new(engine, "", seed, new ModuleTree());

    /// <summary>The scope of a module inside this one.</summary>
    public ModuleScope Child(string name) => new(Engine, NameOf(name), Seed, Tree);

    /// <summary>The full name of something in this scope.</summary>
    public string NameOf(string name) => Path.Length == 0 ? name : $"{Path}.{name}";
}

/// <summary>What all modules of one network share.</summary>
internal sealed class ModuleTree
{
    /// <summary>Whether the network as a whole is in training mode.</summary>
    public bool Training { get; set; } = true;

    /// <summary>The step's number on the device; made by the first layer that needs it, which also disposes it.</summary>
    public StepNumber? StepNumber { get; set; }

    /// <summary>Sees the output of every module call, for probes of activations.</summary>
    public Action<Module, Tensor>? Observer { get; set; }
}
