using SmartFrz.Kernels.Cpu;
using SmartFrz.Nn;
using SmartFrz.Tensors;

namespace SmartFrz.Freeze.Tests;

/// <summary>Asks a policy after every step of a run in which nothing is computed, and carries its decisions out.</summary>
internal sealed class PolicyBench : IDisposable
{
    private readonly CpuDevice _device = new(threads: 1);
    private readonly Engine _engine;
    private readonly Sgd _optimizer;

    public PolicyBench(int stepsPerEpoch, int epochs, FreezeMode mode = FreezeMode.Prefix)
    {
        _engine = new Engine(_device);
        Network = ModelZoo.Build(ModuleScope.Root(_engine, 1), "resnet8", FrozenRun.Tiny());
        _optimizer = new Sgd(Network, momentum: 0.9f);
        Training = new TrainingContext(Network, _optimizer, stepsPerEpoch, epochs);
        Freezer = new Freezer(Training, mode, keepOptimizerState: false);
    }

    public Network Network { get; }

    public TrainingContext Training { get; }

    public Freezer Freezer { get; }

    /// <summary>The units that are frozen now.</summary>
    public string[] Frozen => [.. Network.Units.Where(Training.IsFrozen).Select(u => u.Name)];

    /// <summary>Runs to the end; each event as <c>unit@step</c>.</summary>
    public string[] Run(FreezePolicy policy)
    {
        var context = new FreezeContext(Training, Freezer, () => null);
        policy.Start(context);
        while (Training.Step < Training.TotalSteps)
        {
            Training.Step++;
            Freezer.Apply(policy.Decide(context));
        }

        return [.. Freezer.Events.Select(e => FormattableString.Invariant($"{e.Unit}@{e.Step}"))];
    }

    public void Dispose()
    {
        _optimizer.Dispose();
        Network.Dispose();
        _engine.Dispose();
        _device.Dispose();
    }
}
