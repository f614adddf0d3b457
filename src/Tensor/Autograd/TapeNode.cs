using SmartFrz.Kernels;

namespace SmartFrz.Tensors;

/// <summary>An operand as the tape remembers it: its shape and where its gradient goes.</summary>
internal readonly record struct TapeInput(Shape Shape, GradSource Source)
{
    /// <summary>Whether both plan alike.</summary>
    public static bool Same(ReadOnlySpan<TapeInput> a, ReadOnlySpan<TapeInput> b)
    {
        bool same = a.Length == b.Length;
        for (int i = 0; same && i < a.Length; i++)
        {
            same = a[i].Shape == b[i].Shape && a[i].Source.SameTarget(b[i].Source);
        }

        return same;
    }
}

/// <summary>
/// One recorded operation. It exists only because one of its inputs needs a gradient. What it is never changes; what it keeps for a
/// backward pass does, so that the same node serves step after step.
/// </summary>
internal sealed class TapeNode(int index, Op op, LayerId layer, NeedMask need, ReadOnlySpan<TapeInput> inputs, Shape outputShape)
{
    private readonly Storage?[] _savedInputs = new Storage?[inputs.Length];
    private Storage?[] _savedExtras = [];

    public int Index { get; } = index;

    public Op Op { get; } = op;

    public LayerId Layer { get; } = layer;

    public NeedMask Need { get; } = need;

    public TapeInput[] Inputs { get; } = inputs.ToArray();

    public Shape OutputShape { get; } = outputShape;

    /// <summary>Raised whenever its tape is used up: tensors of earlier steps know by it that they are cut off.</summary>
    public int Generation { get; private set; }

    public Storage? SavedOutput { get; set; }

    /// <summary>The gradient of the output, while the backward pass holds it.</summary>
    public Storage? Gradient { get; set; }

    /// <summary>Whether this node would record the same.</summary>
    public bool Matches(Op op, LayerId layer, NeedMask need, ReadOnlySpan<TapeInput> inputs, Shape outputShape) =>
        Layer == layer && Need == need && OutputShape == outputShape && Op == op && TapeInput.Same(Inputs, inputs);

    public Storage? SavedInput(int input) => _savedInputs[input];

    /// <summary>Who will have to compute that input again, because its memory was given back.</summary>
    public TapeNode? MakerOf(int input) => _savedInputs[input] is { IsDropped: true } dropped ? dropped.Maker : null;

    /// <summary>The inputs whose memory was given back.</summary>
    public NeedMask DroppedInputs
    {
        get
        {
            var dropped = NeedMask.None;
            for (int i = 0; i < _savedInputs.Length; i++)
            {
                dropped = MakerOf(i) is null ? dropped : dropped.With(i);
            }

            return dropped;
        }
    }

    public void SaveInput(int input, Storage storage) => _savedInputs[input] = storage;

    public Storage? SavedExtra(int extra) => extra < _savedExtras.Length ? _savedExtras[extra] : null;

    public void SaveExtra(int extra, Storage storage)
    {
        if (extra >= _savedExtras.Length)
        {
            Array.Resize(ref _savedExtras, extra + 1);
        }

        _savedExtras[extra] = storage;
    }

    /// <summary>Lets go of everything it kept.</summary>
    public void Release()
    {
        Release(_savedInputs, asInputs: true);
        Release(_savedExtras, asInputs: false);
        SavedOutput?.ReleaseSaved(asInput: false);
        SavedOutput = null;
        Gradient?.Release();
        Gradient = null;
    }

    /// <summary>Lets go of everything; whoever still points here is cut off.</summary>
    public void Retire()
    {
        Release();
        Generation++;
    }

    private static void Release(Storage?[] saved, bool asInputs)
    {
        for (int i = 0; i < saved.Length; i++)
        {
            saved[i]?.ReleaseSaved(asInputs);
            saved[i] = null;
        }
    }
}

/// <summary>An operation without a node: nothing below it is trainable.</summary>
internal sealed class SkippedOp(Op op, LayerId layer, ReadOnlySpan<TapeInput> inputs)
{
    public Op Op { get; } = op;

    public LayerId Layer { get; } = layer;

    public TapeInput[] Inputs { get; } = inputs.ToArray();

    /// <summary>Whether it would record the same.</summary>
    public bool Matches(Op op, LayerId layer, ReadOnlySpan<TapeInput> inputs) => Layer == layer && Op == op && TapeInput.Same(Inputs, inputs);
}
