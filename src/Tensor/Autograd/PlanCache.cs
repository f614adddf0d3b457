using SmartFrz.Kernels;

namespace SmartFrz.Tensors;

/// <summary>Plans of the last steps. A step that recorded the same nodes is run by the same plan.</summary>
internal sealed class PlanCache
{
    // Training alternates between few tapes: an accumulated gradient's first and later passes, one network and another.
    private const int Capacity = 4;

    private readonly List<Entry> _entries = [];

    /// <summary>The plan of a tape; made when there is none yet.</summary>
    public BackwardPlan For(Tape tape, TapeNode loss, LaunchTotals seed)
    {
        foreach (var entry in _entries)
        {
            if (entry.Fits(tape, loss, seed))
            {
                return entry.Plan;
            }
        }

        var made = new Entry(tape, loss, seed);
        if (_entries.Count == Capacity)
        {
            _entries.RemoveAt(0);
        }

        _entries.Add(made);
        return made.Plan;
    }

    private sealed class Entry
    {
        private readonly TapeNode _loss;
        private readonly LaunchTotals _seed;
        private readonly TapeNode[] _nodes;
        private readonly SkippedOp[] _skipped;
        private readonly Variable[] _variables;
        private readonly bool[] _hadGradient;
        private readonly NeedMask[] _dropped;

        public Entry(Tape tape, TapeNode loss, LaunchTotals seed)
        {
            (_loss, _seed) = (loss, seed);
            _nodes = [.. Enumerable.Range(0, tape.Count).Select(i => tape[i])];
            _skipped = [.. Enumerable.Range(0, tape.SkippedCount).Select(tape.Skipped)];
            _variables = [.. _nodes.SelectMany(n => n.Inputs).Select(i => i.Source.Variable).OfType<Variable>().Distinct()];
            _hadGradient = Array.ConvertAll(_variables, v => v.HasGradient);
            _dropped = Array.ConvertAll(_nodes, n => n.DroppedInputs);
            Plan = BackwardPlanner.Plan(tape, loss, seed);
        }

        public BackwardPlan Plan { get; }

        public bool Fits(Tape tape, TapeNode loss, LaunchTotals seed)
        {
            bool fits = ReferenceEquals(loss, _loss) && seed == _seed && tape.Count == _nodes.Length && tape.SkippedCount == _skipped.Length;
            for (int i = 0; fits && i < _nodes.Length; i++)
            {
                fits = ReferenceEquals(tape[i], _nodes[i]) && tape[i].DroppedInputs == _dropped[i];
            }

            for (int i = 0; fits && i < _skipped.Length; i++)
            {
                fits = ReferenceEquals(tape.Skipped(i), _skipped[i]);
            }

            for (int i = 0; fits && i < _variables.Length; i++)
            {
                fits = _variables[i].HasGradient == _hadGradient[i];
            }

            return fits;
        }
    }
}
