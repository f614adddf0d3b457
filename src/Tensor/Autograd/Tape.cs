using SmartFrz.Kernels;

namespace SmartFrz.Tensors;

/// <summary>An operand as the tape remembers it: its shape and where its gradient goes.</summary>
internal readonly record struct TapeInput(Shape Shape, GradSource Source);

/// <summary>One recorded operation. It exists only because one of its inputs needs a gradient.</summary>
internal sealed class TapeNode(int index, Op op, LayerId layer, NeedMask need, TapeInput[] inputs, Shape outputShape)
{
    public int Index { get; } = index;

    public Op Op { get; } = op;

    public LayerId Layer { get; } = layer;

    public NeedMask Need { get; } = need;

    public TapeInput[] Inputs { get; } = inputs;

    public Shape OutputShape { get; } = outputShape;

    public Storage?[] SavedInputs { get; } = new Storage?[inputs.Length];

    public Storage? SavedOutput { get; set; }

    public Storage?[] SavedExtras { get; set; } = [];

    /// <summary>The gradient of the output, while the backward pass holds it.</summary>
    public Storage? Gradient { get; set; }

    /// <summary>Lets go of everything it kept.</summary>
    public void Release()
    {
        Release(SavedInputs);
        Release(SavedExtras);
        SavedOutput?.Release();
        SavedOutput = null;
        Gradient?.Release();
        Gradient = null;
    }

    private static void Release(Storage?[] saved)
    {
        for (int i = 0; i < saved.Length; i++)
        {
            saved[i]?.Release();
            saved[i] = null;
        }
    }
}

/// <summary>A gradient that is not computed: what it would have cost, and why it is not needed.</summary>
/// <param name="Op">The operation.</param>
/// <param name="Layer">The layer it belongs to.</param>
/// <param name="Input">The operand whose gradient is skipped.</param>
/// <param name="Reason">Why.</param>
/// <param name="Phase">The phase it would have been booked in.</param>
/// <param name="Avoided">Launches, FLOPs and bytes it would have cost.</param>
public readonly record struct SkipRecord(string Op, LayerId Layer, int Input, SkipReason Reason, Phase Phase, LaunchTotals Avoided);

/// <summary>The operations of a step that a gradient can flow through, in order, and the ones it cannot.</summary>
internal sealed class Tape
{
    public List<TapeNode> Nodes { get; } = [];

    /// <summary>Operations without a node: nothing below them is trainable.</summary>
    public List<SkipRecord> Skips { get; } = [];

    public void Clear()
    {
        foreach (var node in Nodes)
        {
            node.Release();
        }

        Nodes.Clear();
        Skips.Clear();
    }
}
