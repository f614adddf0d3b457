using SmartFrz.Kernels;
using SmartFrz.Nn;

namespace SmartFrz.Freeze.Tests;

/// <summary>
/// Holds every step of a run against the contracts of a frozen layer, by the ledgers and by what they are checked with: the plan and
/// the dispatcher's own count. Comes before the policy, so that a step is judged by the freeze state it ran with.
/// </summary>
internal sealed class ContractWitness(bool keepsOptimizerState = false) : ITrainingCallback
{
    private readonly Dictionary<(string Unit, Phase Phase), LaunchTotals> _before = [];
    private FreezeState _state = FreezeState.Empty;
    private LaunchTotals _input, _weight, _total;
    private long _dispatched;
    private IDisposable? _observation;

    /// <summary>For each step: the units that were frozen in it.</summary>
    public List<string[]> Steps { get; } = [];

    /// <summary>For each step: saved bytes by unit when the forward pass had ended.</summary>
    public List<Dictionary<string, long>> Saved { get; } = [];

    public void RunStarting(TrainingContext context) =>
        _observation = context.Model.Observe((module, _) =>
        {
            if (ReferenceEquals(module, context.Model) && context.Model.IsTreeTraining)
            {
                ForwardEnded(context);
            }
        });

    public void RunEnded(TrainingContext context) => _observation?.Dispose();

    public void StepStarting(TrainingContext context)
    {
        var device = context.Engine.Context;
        _state = context.FreezeState;
        _dispatched = device.Dispatched;
        (_total, _input, _weight) = (device.Launches.Total, device.Launches[Phase.BackwardInput], device.Launches[Phase.BackwardWeight]);
        foreach (var unit in context.Model.Units)
        {
            foreach (var phase in Enum.GetValues<Phase>())
            {
                _before[(unit.Name, phase)] = Booked(context, unit, phase);
            }
        }

        Steps.Add([.. context.Model.Units.Where(context.IsFrozen).Select(u => u.Name)]);
    }

    public void GradientsReady(TrainingContext context)
    {
        var launches = context.Engine.Context.Launches;
        var plan = context.Engine.LastPlan!;
        Same(plan.BackwardInput, launches[Phase.BackwardInput] - _input);
        Same(plan.BackwardWeight, launches[Phase.BackwardWeight] - _weight);
        foreach (var parameter in context.Model.Parameters())
        {
            bool frozen = _state.IsFrozen(parameter.Name);
            Assert.Equal(!frozen, parameter.Variable.HasGradient);
            Assert.Equal(frozen, parameter.IsFrozen);
        }
    }

    public void StepEnded(TrainingContext context)
    {
        var device = context.Engine.Context;
        Assert.Equal(device.Dispatched - _dispatched, device.Launches.Total.Launches - _total.Launches);
        bool prefix = true;
        foreach (var unit in context.Model.Units)
        {
            bool frozen = _state.IsFrozen(unit.Prefixes[0]), trainableBelow = !prefix;
            prefix &= frozen;
            long Launches(Phase phase) => Booked(context, unit, phase).Launches - _before[(unit.Name, phase)].Launches;
            Assert.True(Launches(Phase.Forward) > 0, unit.Name);
            Assert.Equal(0, Launches(Phase.Freeze));
            long trainable = context.Model.Parameters().Where(p => unit.Contains(p.Name) && !frozen).Sum(p => p.Value.Buffer.Bytes);
            Assert.Equal(trainable, Layers(context, unit).Sum(l => device.Memory.LiveOf(BufferKind.Gradient, l)));
            long kept = keepsOptimizerState ? context.Model.Parameters().Where(p => unit.Contains(p.Name) && frozen).Sum(p => p.Value.Buffer.Bytes) : 0;
            Assert.Equal(trainable + kept, Layers(context, unit).Sum(l => device.Memory.LiveOf(BufferKind.OptimizerState, l)));
            Assert.Equal(!frozen, Launches(Phase.BackwardWeight) > 0);
            Assert.Equal(!frozen, Launches(Phase.Update) > 0);
            if (prefix)
            {
                Assert.Equal(0, Launches(Phase.BackwardInput));
            }
            else if (trainableBelow)
            {
                Assert.True(Launches(Phase.BackwardInput) > 0, unit.Name);
            }
        }
    }

    private void ForwardEnded(TrainingContext context)
    {
        var memory = context.Engine.Context.Memory;
        var saved = new Dictionary<string, long>(StringComparer.Ordinal);
        bool prefix = true;
        foreach (var unit in context.Model.Units)
        {
            bool frozen = _state.IsFrozen(unit.Prefixes[0]);
            prefix &= frozen;
            long bytes = Layers(context, unit).Sum(l => memory.LiveOf(BufferKind.SavedActivation, l));
            saved.Add(unit.Name, bytes);
            if (prefix)
            {
                Assert.Equal(0, bytes);
            }
            else if (frozen)
            {
                // The gradient of a convolution's input takes its weights alone, which are there anyway.
                Assert.All(
                    context.Model.Modules().OfType<Conv2d>().Where(m => unit.Contains(m.Path)),
                    m => Assert.Equal(0, memory.LiveOf(BufferKind.SavedActivation, m.Layer)));
            }
        }

        Saved.Add(saved);
    }

    private static void Same(LaunchTotals expected, LaunchTotals actual) => Assert.Equal(expected with { Seconds = 0 }, actual with { Seconds = 0 });

    private static LaunchTotals Booked(TrainingContext context, FreezableUnit unit, Phase phase) =>
        Layers(context, unit).Aggregate(default(LaunchTotals), (sum, layer) => sum + context.Engine.Context.Launches[layer, phase]);

    private static IEnumerable<LayerId> Layers(TrainingContext context, FreezableUnit unit) =>
        context.Model.Modules().Where(m => m.Path.Length > 0 && unit.Contains(m.Path)).Select(m => m.Layer);
}
