using SmartFrz.Kernels;

namespace SmartFrz.Tensors;

/// <summary>
/// The operations of a step that a gradient can flow through, in order, and the ones it cannot. A step that records the same as the
/// one before it finds its nodes again, and allocates nothing.
/// </summary>
internal sealed class Tape
{
    // The first Count and SkippedCount of them belong to this step; the rest wait for a longer one.
    private readonly List<TapeNode> _nodes = [];
    private readonly List<SkippedOp> _skipped = [];

    /// <summary>Nodes recorded.</summary>
    public int Count { get; private set; }

    /// <summary>Operations recorded without a node.</summary>
    public int SkippedCount { get; private set; }

    /// <summary>The operation that the last step recorded as a node where the next one goes.</summary>
    public Op? NextOp => Count < _nodes.Count ? _nodes[Count].Op : null;

    /// <summary>The operation that the last step recorded without a node where the next one goes.</summary>
    public Op? NextSkippedOp => SkippedCount < _skipped.Count ? _skipped[SkippedCount].Op : null;

    /// <summary>A node, in the order of recording.</summary>
    public TapeNode this[int index] => _nodes[index];

    /// <summary>An operation without a node, in the order of recording.</summary>
    public SkippedOp Skipped(int index) => _skipped[index];

    public TapeNode Add(Op op, LayerId layer, NeedMask need, ReadOnlySpan<TapeInput> inputs, Shape outputShape)
    {
        int at = Count++;
        if (at == _nodes.Count)
        {
            _nodes.Add(new TapeNode(at, op, layer, need, inputs, outputShape));
        }
        else if (!_nodes[at].Matches(op, layer, need, inputs, outputShape))
        {
            // A new one: plans of earlier steps keep the old one as it was.
            _nodes[at] = new TapeNode(at, op, layer, need, inputs, outputShape);
        }

        return _nodes[at];
    }

    public void Skip(Op op, LayerId layer, ReadOnlySpan<TapeInput> inputs)
    {
        int at = SkippedCount++;
        if (at == _skipped.Count)
        {
            _skipped.Add(new SkippedOp(op, layer, inputs));
        }
        else if (!_skipped[at].Matches(op, layer, inputs))
        {
            _skipped[at] = new SkippedOp(op, layer, inputs);
        }
    }

    public void Clear()
    {
        for (int i = 0; i < Count; i++)
        {
            _nodes[i].Retire();
        }

        Count = 0;
        SkippedCount = 0;
    }
}
