using System.Reflection;
using System.Text.Json.Nodes;
using SmartFrz.Kernels;
using SmartFrz.Kernels.Cpu;
using SmartFrz.Nn.Options;

namespace SmartFrz.Bench.Pairs;

/// <summary>One thing that is timed: a pass of a kernel, a training step.</summary>
/// <param name="Name">Its name, the same on both sides.</param>
/// <param name="Run">Does it once, to its end.</param>
/// <param name="Cost">What it must compute and move at least; zero where nobody has counted.</param>
internal sealed record WorkPart(string Name, Action Run, KernelCost Cost = default);

/// <summary>Work that is set up and ready to be timed, part by part.</summary>
internal abstract class Work : IDisposable
{
    /// <summary>What is timed.</summary>
    public abstract IReadOnlyList<WorkPart> Parts { get; }

    /// <summary>The most device memory that a part had alive since the work was set up; null where it says nothing.</summary>
    public virtual long? PeakBytes(string part) => null;

    /// <inheritdoc/>
    public abstract void Dispose();
}

/// <summary>A kind of work. Every implementation is found by reflection; the peer has a class for the same name.</summary>
internal interface IWorkKind
{
    /// <summary>The name that cases give, as in <c>conv</c>.</summary>
    string Name { get; }

    /// <summary>Sets work up.</summary>
    /// <param name="device">Where.</param>
    /// <param name="settings">The case without its kind and name.</param>
    Work Create(CpuDevice device, JsonObject settings);

    /// <summary>All kinds by name.</summary>
    static IReadOnlyDictionary<string, IWorkKind> All() => NamedParts.Of<IWorkKind>(k => [k.Name], [Assembly.GetExecutingAssembly()]);
}

/// <summary>A kind with a record of settings.</summary>
internal abstract class WorkKind<TSettings> : IWorkKind
    where TSettings : class, new()
{
    public abstract string Name { get; }

    public Work Create(CpuDevice device, JsonObject settings) => Create(device, OptionBinder.Bind<TSettings>(settings, Name));

    protected abstract Work Create(CpuDevice device, TSettings settings);
}
