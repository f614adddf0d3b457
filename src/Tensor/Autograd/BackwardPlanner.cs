using SmartFrz.Kernels;

namespace SmartFrz.Tensors;

/// <summary>
/// Walks the tape once, from the loss to the first operation, and decides everything before anything runs: which operations take
/// part, and for each operand whether its gradient is written, added, shared or skipped.
/// </summary>
/// <remarks>
/// The planner plays the executor's memory through: <c>held</c> is, for every gradient in flight, the number of its owners at
/// that moment. A gradient that two operations share (the two branches of a residual sum) must be copied before something is
/// added to it, unless the other reader is already done.
/// </remarks>
internal static class BackwardPlanner
{
    public static BackwardPlan Plan(Tape tape, TapeNode loss, LaunchTotals seed)
    {
        var skips = new List<SkipRecord>();
        var estimate = new BackwardEstimate();
        for (int i = 0; i < tape.SkippedCount; i++)
        {
            CollectSkips(tape.Skipped(i), estimate, skips);
        }

        var nodes = Enumerable.Range(0, loss.Index + 1).Select(i => tape[loss.Index - i]);
        var steps = Steps(nodes, loss, node => new Demand(node.Op, node.Need), static node => MakersOf(node), (node, reached) => CollectSkips(node, reached, estimate, skips));
        return new BackwardPlan(steps, skips, seed);
    }

    /// <summary>
    /// The steps that would be left of a plan if some more variables were frozen, and the layers whose variables all are computed as
    /// frozen ones do. They are for counting: their memory is gone.
    /// </summary>
    public static IReadOnlyList<PlanStep> WithFrozen(BackwardPlan plan, Predicate<Variable> frozen)
    {
        var demands = new Dictionary<TapeNode, Demand>();
        foreach (var node in plan.Steps.Reverse().Select(s => s.Node))
        {
            var need = NeedMask.None;
            for (int input = 0; input < node.Inputs.Length; input++)
            {
                var source = node.Inputs[input].Source;
                bool needed = source.Variable is { } variable ? !frozen(variable) : source.Node is { } below && demands.ContainsKey(below);
                need = node.Need.Has(input) && needed ? need.With(input) : need;
            }

            if (!need.IsEmpty)
            {
                var variables = node.Inputs.Select(i => i.Source.Variable).OfType<Variable>().ToList();
                bool isFrozen = variables.Count > 0 && variables.TrueForAll(frozen);
                demands.Add(node, new Demand(isFrozen ? node.Op.WhenFrozen : node.Op, need));
            }
        }

        var nodes = plan.Steps.Select(s => s.Node).Where(demands.ContainsKey).ToList();
        if (nodes.Count == 0 || nodes[0] != plan.Steps[0].Node)
        {
            return [];
        }

        // A layer that is frozen keeps its output for its own mask, or nobody wants it again.
        var makers = plan.Steps.ToDictionary(
            s => s.Node,
            s => Array.ConvertAll(s.Makers, m => m is not null && demands.TryGetValue(m, out var of) && of.Op.RebuildsOutput(of.Need) ? m : null));
        return Steps(nodes, nodes[0], node => demands[node], node => makers[node], static (_, _) => { });
    }

    private static TapeNode?[] MakersOf(TapeNode node)
    {
        var makers = new TapeNode?[node.Inputs.Length];
        for (int input = 0; input < makers.Length; input++)
        {
            makers[input] = node.MakerOf(input);
        }

        return makers;
    }

    // From the loss down.
    private static List<PlanStep> Steps(
        IEnumerable<TapeNode> nodes, TapeNode loss, Func<TapeNode, Demand> demandOf, Func<TapeNode, TapeNode?[]> makersOf, Action<TapeNode, bool> see)
    {
        var steps = new List<PlanStep>();
        var estimate = new BackwardEstimate();
        var held = new Dictionary<TapeNode, Held> { [loss] = new Held { Owners = 1 } };
        var writtenVariables = new HashSet<Variable>();
        var rebuilt = new HashSet<TapeNode>();

        foreach (var node in nodes)
        {
            bool reached = held.TryGetValue(node, out var gradient);
            see(node, reached);
            if (!reached)
            {
                continue;
            }

            var (op, need) = demandOf(node);
            var actions = new GradAction[node.Inputs.Length];
            var ofOp = need;
            uint accumulates = 0;
            var extra = new LaunchTotals();
            var extraWeight = new LaunchTotals();
            for (int input = 0; input < actions.Length; input++)
            {
                if (!need.Has(input))
                {
                    continue;
                }

                var source = node.Inputs[input].Source;
                bool passes = op.PassesGradient(input);
                var copy = Copy(node.Inputs[input].Shape, 2);
                if (passes)
                {
                    ofOp = ofOp.Without(input);
                }

                if (source.Variable is { } variable)
                {
                    bool first = writtenVariables.Add(variable) && !variable.HasGradient;
                    actions[input] = (passes, first) switch
                    {
                        (false, true) => GradAction.Write,
                        (false, false) => GradAction.Add,
                        (true, true) => GradAction.PassCopy,
                        (true, false) => GradAction.PassAdd,
                    };
                    accumulates |= first ? 0u : 1u << input;
                    extraWeight += passes ? Copy(node.Inputs[input].Shape, first ? 2 : 3) : default;
                    continue;
                }

                var target = source.Node!;
                if (!held.TryGetValue(target, out var there))
                {
                    actions[input] = passes ? GradAction.Share : GradAction.Write;
                    held[target] = passes ? gradient! : new Held();
                    held[target].Owners++;
                    continue;
                }

                accumulates |= 1u << input;
                if (there.Owners > 1)
                {
                    there.Owners--;
                    held[target] = new Held { Owners = 1 };
                    actions[input] = passes ? GradAction.PassCopyThenAdd : GradAction.CopyThenAdd;
                    extra += copy;
                }
                else
                {
                    actions[input] = passes ? GradAction.PassAdd : GradAction.Add;
                }

                extra += passes ? Copy(node.Inputs[input].Shape, 3) : default;
            }

            estimate.Start(node.Inputs, ofOp, accumulates);
            var makers = makersOf(node);
            if (!ofOp.IsEmpty)
            {
                var saves = op.Saves(ofOp);
                for (int input = 0; input < makers.Length; input++)
                {
                    if (makers[input] is { } maker && saves.HasInput(input) && rebuilt.Add(maker))
                    {
                        estimate.AddShared(maker.Op.RebuildCost);
                    }
                }

                op.Estimate(ofOp, estimate);
            }

            gradient!.Owners--;
            steps.Add(new PlanStep(node, ofOp, actions, makers, estimate.BackwardInput + extra, estimate.BackwardWeight + extraWeight));
        }

        return steps;
    }

    private static void CollectSkips(SkippedOp skipped, BackwardEstimate estimate, List<SkipRecord> skips)
    {
        for (int input = 0; input < skipped.Inputs.Length; input++)
        {
            skips.Add(Skip(skipped.Op, skipped.Layer, skipped.Inputs, input, skipped.Inputs[input].Source.SkipReason, estimate));
        }
    }

    private static void CollectSkips(TapeNode node, bool reached, BackwardEstimate estimate, List<SkipRecord> skips)
    {
        for (int input = 0; input < node.Inputs.Length; input++)
        {
            if (!reached || !node.Need.Has(input))
            {
                var reason = reached ? node.Inputs[input].Source.SkipReason : SkipReason.NotUsedByLoss;
                skips.Add(Skip(node.Op, node.Layer, node.Inputs, input, reason, estimate));
            }
        }
    }

    private static SkipRecord Skip(Op op, LayerId layer, TapeInput[] inputs, int input, SkipReason reason, BackwardEstimate estimate)
    {
        var only = NeedMask.None.With(input);
        estimate.Start(inputs, only);
        if (!op.PassesGradient(input))
        {
            op.Estimate(only, estimate);
        }

        var phase = inputs[input].Source.Variable is null ? Phase.BackwardInput : Phase.BackwardWeight;
        return new SkipRecord(op.Name, layer, input, reason, phase, estimate.Total);
    }

    private static LaunchTotals Copy(Shape shape, int arrays) =>
        new(1, KernelCost.Elementwise(shape.Count, 1, arrays).Flops, KernelCost.Elementwise(shape.Count, 1, arrays).Bytes, 0);

    // What is asked of a node.
    private readonly record struct Demand(Op Op, NeedMask Need);

    private sealed class Held
    {
        public int Owners;
    }
}
