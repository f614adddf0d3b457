using SmartFrz.Kernels;
using SmartFrz.Tensors;

namespace SmartFrz.Nn;

/// <summary>
/// Loss and correct predictions added up on the device, so that a step need not wait for its own loss.
/// </summary>
internal sealed class ScoreBoard : IDisposable
{
    // Loss sum, correct, rows: the slots that the score kernel writes.
    public const int Slots = 3;

    private readonly Tensor _totals;

    public ScoreBoard(Engine engine)
    {
        _totals = engine.NewPersistent(new Shape(Slots), DType.F32, BufferKind.Workspace);
        Restore(new float[Slots]);
    }

    /// <summary>Adds a batch. Booked as <see cref="Phase.Data"/>: it is no part of what the network costs.</summary>
    public void Add(Tensor logits, Tensor targets, Tensor loss)
    {
        var context = _totals.Engine.Context;
        var phase = context.Phase;
        context.Phase = Phase.Data;
        _totals.Engine.Launch(new ScoreKernel(logits.Buffer, targets.Buffer, loss.Buffer, _totals.Buffer, logits.Shape[0], logits.Shape[1]));
        context.Phase = phase;
    }

    /// <summary>Reads the totals and starts them anew, so that single precision suffices. Waits for the device.</summary>
    public Score Take()
    {
        float[] totals = Peek();
        Restore(new float[Slots]);
        return new Score(totals[0], (long)totals[1], (long)totals[2]);
    }

    /// <summary>The totals as they are on the device, for a checkpoint: taking them would change the order of the sum.</summary>
    public float[] Peek() => _totals.ToArray();

    public void Restore(float[] totals) => _totals.CopyFrom(totals);

    public void Dispose() => _totals.Dispose();
}
