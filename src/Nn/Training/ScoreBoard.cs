using SmartFrz.Kernels;
using SmartFrz.Tensors;

namespace SmartFrz.Nn;

/// <summary>
/// Loss and correct predictions added up on the device, so that a step need not wait for its own loss.
/// </summary>
internal sealed class ScoreBoard : IDisposable
{
    // Loss sum, correct, rows: the slots that the score kernel writes.
    private const int Slots = 3;

    private readonly Tensor _totals;

    public ScoreBoard(Engine engine)
    {
        _totals = engine.NewPersistent(new Shape(Slots), DType.F32, BufferKind.Workspace);
        Clear();
    }

    /// <summary>What was added up in earlier readings.</summary>
    public double LossSum { get; private set; }

    public long Correct { get; private set; }

    public long Rows { get; private set; }

    public double MeanLoss => Rows == 0 ? double.NaN : LossSum / Rows;

    public double Accuracy => Rows == 0 ? double.NaN : (double)Correct / Rows;

    public void Add(Tensor logits, Tensor targets, Tensor loss) =>
        _totals.Engine.Launch(new ScoreKernel(logits.Buffer, targets.Buffer, loss.Buffer, _totals.Buffer, logits.Shape[0], logits.Shape[1]));

    /// <summary>Reads the device's totals, adds them to the host's and starts the device's anew, so that single precision suffices.</summary>
    public void Read()
    {
        float[] totals = _totals.ToArray();
        LossSum += totals[0];
        Correct += (long)totals[1];
        Rows += (long)totals[2];
        _totals.CopyFrom([0, 0, 0]);
    }

    public void Clear() => Restore(0, 0, 0);

    public void Restore(double lossSum, long correct, long rows)
    {
        (LossSum, Correct, Rows) = (lossSum, correct, rows);
        _totals.CopyFrom([0, 0, 0]);
    }

    public void Dispose() => _totals.Dispose();
}
