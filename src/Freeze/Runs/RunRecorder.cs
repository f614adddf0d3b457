using SmartFrz.Kernels;
using SmartFrz.Nn;

namespace SmartFrz.Freeze;

/// <summary>Watches a run's ledgers: memory of the first and the last step, for the summary.</summary>
internal sealed class RunRecorder : ITrainingCallback
{
    private StepMemory? _first;

    public StepMemory First => _first ?? default;

    public StepMemory Last { get; private set; }

    public void StepStarting(TrainingContext context) => context.Engine.Context.Memory.StartWindow();

    public void GradientsReady(TrainingContext context)
    {
        var memory = context.Engine.Context.Memory;
        Last = new StepMemory(memory.LiveOf(BufferKind.Gradient), Last.Optimizer, memory.WindowPeakOf(BufferKind.SavedActivation));
    }

    public void StepEnded(TrainingContext context)
    {
        Last = Last with { Optimizer = context.Engine.Context.Memory.LiveOf(BufferKind.OptimizerState) };
        _first ??= Last;
    }

    public readonly record struct StepMemory(long Gradient, long Optimizer, long Saved);
}
