using SmartFrz.Kernels;
using SmartFrz.Tensors;

namespace SmartFrz.Nn;

/// <summary>
/// A part of a network: named parameters, running statistics and child modules, and a forward computation.
/// </summary>
/// <remarks>
/// A call opens a tensor scope: when it ends, everything but the result and what the tape saved goes back to the arena. All work
/// inside is booked on the module's name.
/// </remarks>
public abstract class Module : IDisposable
{
    private readonly List<Module> _children = [];
    private readonly List<Parameter> _parameters = [];
    private readonly List<ModuleBuffer> _buffers = [];
    private readonly List<ModuleCounter> _counters = [];
    private readonly ModuleScope _scope;

    /// <summary>A module in that scope.</summary>
    protected Module(ModuleScope scope)
    {
        _scope = scope;
        Layer = scope.Engine.Context.Launches.Layer(scope.Path);
    }

    /// <summary>The engine.</summary>
    public Engine Engine => _scope.Engine;

    /// <summary>The dotted name; empty at the root.</summary>
    public string Path => _scope.Path;

    /// <summary>Its place in the ledgers.</summary>
    public LayerId Layer { get; }

    /// <summary>The modules directly inside, in forward order.</summary>
    public IReadOnlyList<Module> Children => _children;

    /// <summary>Its own parameters, without those of its children.</summary>
    public IReadOnlyList<Parameter> OwnParameters => _parameters;

    /// <summary>Its own buffers, without those of its children.</summary>
    public IReadOnlyList<ModuleBuffer> OwnBuffers => _buffers;

    /// <summary>Its own counters, without those of its children.</summary>
    public IReadOnlyList<ModuleCounter> OwnCounters => _counters;

    /// <summary>The names that it and all its parameters lie within: its own, and those of parameters that are named elsewhere.</summary>
    public IReadOnlyList<string> Prefixes => [Path, .. _parameters.Select(p => p.Name).Where(name => !DottedName.IsWithin(name, Path))];

    /// <summary>Whether it is frozen: it computes as in evaluation. Only the freeze state sets it.</summary>
    public bool IsFrozen { get; internal set; }

    /// <summary>Whether it computes as in training: batch statistics, dropout.</summary>
    public bool IsTraining => _scope.Tree.Training && !IsFrozen;

    /// <summary>Whether somebody looks at the outputs of the network's modules.</summary>
    protected bool IsObserved => _scope.Tree.Observer is not null;

    /// <summary>Whether the network as a whole is in training mode.</summary>
    public bool IsTreeTraining => _scope.Tree.Training;

    /// <summary>This module and all inside it, depth first, in forward order.</summary>
    public IEnumerable<Module> Modules()
    {
        yield return this;
        foreach (var child in _children)
        {
            foreach (var module in child.Modules())
            {
                yield return module;
            }
        }
    }

    /// <summary>All parameters, in forward order.</summary>
    public IEnumerable<Parameter> Parameters() => Modules().SelectMany(m => m._parameters);

    /// <summary>All buffers, in forward order.</summary>
    public IEnumerable<ModuleBuffer> Buffers() => Modules().SelectMany(m => m._buffers);

    /// <summary>All counters, in forward order.</summary>
    public IEnumerable<ModuleCounter> Counters() => Modules().SelectMany(m => m._counters);

    /// <summary>Switches the whole network between training and evaluation. Frozen modules stay in evaluation.</summary>
    public void SetTraining(bool training) => _scope.Tree.Training = training;

    /// <summary>Shows every module's output to an observer until the result is disposed. The tensor is valid during the call only.</summary>
    public IDisposable Observe(Action<Module, Tensor> observer)
    {
        var tree = _scope.Tree;
        var before = tree.Observer;
        tree.Observer = before is null ? observer : before + observer;
        return new Subscription(() => tree.Observer = before);
    }

    /// <summary>Computes the module's output.</summary>
    public Tensor Call(Tensor input)
    {
        var call = Enter();
        return call.Return(Forward(input));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>The computation itself. Its intermediate tensors need not be disposed.</summary>
    protected abstract Tensor Forward(Tensor input);

    /// <summary>Begins a call with operands of its own; <see cref="ModuleCall.Return"/> ends it.</summary>
    protected ModuleCall Enter() => new(this, _scope.Tree);

    /// <summary>Takes a child module in.</summary>
    protected T Add<T>(T child)
        where T : Module
    {
        _children.Add(child);
        return child;
    }

    /// <summary>Makes a parameter and gives it its initial values.</summary>
    protected Parameter AddParameter(string name, Shape shape, Initializer initializer) => AddParameter(_scope, name, shape, initializer);

    /// <summary>Makes a parameter that has its name in another scope: weights files know it by that one.</summary>
    protected Parameter AddParameter(ModuleScope owner, string name, Shape shape, Initializer initializer)
    {
        var parameter = new Parameter(owner.NameOf(name), new Variable(Engine, shape, Layer));
        if (Engine.Context.Device.KeepsData)
        {
            var values = new float[shape.Count];
            initializer.Fill(values, shape, _scope.Seed, parameter.Name);
            parameter.Value.CopyFrom(values);
        }

        _parameters.Add(parameter);
        return parameter;
    }

    /// <summary>Makes a buffer filled with one value.</summary>
    protected ModuleBuffer AddBuffer(string name, Shape shape, float value)
    {
        var tensor = Engine.NewPersistent(shape, DType.F32, BufferKind.Parameter, Layer);
        var values = new float[shape.Count];
        Array.Fill(values, value);
        tensor.CopyFrom(values);
        var buffer = new ModuleBuffer(_scope.NameOf(name), tensor);
        _buffers.Add(buffer);
        return buffer;
    }

    /// <summary>Makes a counter at zero.</summary>
    protected ModuleCounter AddCounter(string name)
    {
        var counter = new ModuleCounter(_scope.NameOf(name));
        _counters.Add(counter);
        return counter;
    }

    /// <summary>Gives parameters and buffers back.</summary>
    protected virtual void Dispose(bool disposing)
    {
        foreach (var child in _children)
        {
            child.Dispose();
        }

        foreach (var parameter in _parameters)
        {
            parameter.Dispose();
        }

        foreach (var buffer in _buffers)
        {
            buffer.Dispose();
        }
    }

    private sealed class Subscription(Action end) : IDisposable
    {
        public void Dispose() => end();
    }
}

/// <summary>A module call under way: a tensor scope, and the layer that work is booked on.</summary>
public readonly struct ModuleCall
{
    private readonly Module _module;
    private readonly ModuleTree _tree;
    private readonly LayerId _layer;
    private readonly TensorScope _scope;

    internal ModuleCall(Module module, ModuleTree tree)
    {
        _module = module;
        _tree = tree;
        _layer = module.Engine.Context.Layer;
        module.Engine.Context.Layer = module.Layer;
        _scope = module.Engine.BeginScope();
    }

    /// <summary>Ends the call and hands its result to the caller's scope.</summary>
    public Tensor Return(Tensor result)
    {
        _tree.Observer?.Invoke(_module, result);
        _module.Engine.Context.Layer = _layer;
        return _scope.Return(result);
    }
}
