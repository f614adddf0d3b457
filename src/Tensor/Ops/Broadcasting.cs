using SmartFrz.Kernels;

namespace SmartFrz.Tensors;

public sealed partial class Tensor
{
    /// <summary>Computes a * b, element by element.</summary>
    /// <remarks>
    /// Shapes:   as for <see cref="Add"/>.
    /// Gradient: da = dy * b, db = dy * a, summed over repeated axes. Saves: the other operand of each needed one.
    /// Throws:   <see cref="ShapeException"/> when the shapes do not fit.
    /// </remarks>
    public Tensor Mul(Tensor other) => Engine.Record(MulGradient.Instance, Broadcast(default(MulOp), other), [this, other]);

    /// <summary>Computes a / b, element by element.</summary>
    /// <remarks>
    /// Shapes:   as for <see cref="Add"/>.
    /// Gradient: da = dy / b, db = -dy * a / b^2, summed over repeated axes. Saves: b, and a if db is needed.
    /// Throws:   <see cref="ShapeException"/> when the shapes do not fit.
    /// </remarks>
    public Tensor Div(Tensor other) => Engine.Record(DivGradient.Instance, Broadcast(default(DivOp), other), [this, other]);

    /// <summary>Computes the larger of a and b, element by element; NaN if one of them is.</summary>
    /// <remarks>
    /// Shapes:   as for <see cref="Add"/>.
    /// Gradient: dy goes to the larger one, to a where they are equal; summed over repeated axes. Saves: a and b.
    /// Throws:   <see cref="ShapeException"/> when the shapes do not fit.
    /// </remarks>
    public Tensor Maximum(Tensor other) =>
        Engine.Record(ChoiceGradient<MaximumOp, MaximumGradAOp, MaximumGradBOp>.Instance, Broadcast(default(MaximumOp), other), [this, other]);

    /// <summary>Computes the smaller of a and b, element by element; NaN if one of them is.</summary>
    /// <remarks>
    /// Shapes:   as for <see cref="Add"/>.
    /// Gradient: dy goes to the smaller one, to a where they are equal; summed over repeated axes. Saves: a and b.
    /// Throws:   <see cref="ShapeException"/> when the shapes do not fit.
    /// </remarks>
    public Tensor Minimum(Tensor other) =>
        Engine.Record(ChoiceGradient<MinimumOp, MinimumGradAOp, MinimumGradBOp>.Instance, Broadcast(default(MinimumOp), other), [this, other]);

    /// <summary>This tensor repeated to a larger shape.</summary>
    /// <remarks>
    /// Shapes:   axes are aligned at the end; an axis that is lacking or has extent 1 is repeated.
    /// Gradient: the sum of dy over the repeated axes. Saves: nothing.
    /// Throws:   <see cref="ShapeException"/> when the shape does not fit.
    /// </remarks>
    public Tensor Expand(Shape shape)
    {
        RequireType(DType.F32, ExpandOp.Name);
        if (BroadcastShape(Shape, shape, "Expand") != shape)
        {
            throw new ShapeException($"Expand: shape {Shape} cannot be repeated to {shape}");
        }

        var y = Engine.NewTensor(shape);
        Engine.Launch(new BroadcastKernel<ExpandOp>(new ExpandOp(1f), BroadcastWalk(shape, Shape, Shape), Buffer, Buffer, y.Buffer));
        return Engine.Record(new ExpandGradient(shape), y, [this]);
    }

    /// <summary>The shape of a result: axes aligned at the end, extents of 1 repeated.</summary>
    internal static Shape BroadcastShape(Shape a, Shape b, string operation)
    {
        Span<int> extents = stackalloc int[Math.Max(a.Rank, b.Rank)];
        for (int i = 1; i <= extents.Length; i++)
        {
            int ea = i <= a.Rank ? a[-i] : 1, eb = i <= b.Rank ? b[-i] : 1;
            if (ea != eb && ea != 1 && eb != 1)
            {
                throw new ShapeException($"{operation}: shapes {a} and {b} do not fit: axis {-i} has extents {ea} and {eb}, which are neither equal nor 1");
            }

            extents[^i] = ea == 1 ? eb : ea;
        }

        return new Shape(extents);
    }

    /// <summary>The reduction that takes a result back to the shape of an operand that was repeated.</summary>
    private static ReduceGeometry RepeatedAxes(Shape result, Shape operand)
    {
        uint reduced = 0;
        for (int i = 1; i <= result.Rank; i++)
        {
            reduced |= (i > operand.Rank || operand[-i] == 1 ? 1u : 0u) << (result.Rank - i);
        }

        return ReduceGeometry.Of(result.ToArray(), reduced);
    }

    private static StridedPair BroadcastWalk(Shape result, Shape first, Shape second) =>
        StridedPair.Broadcast(result.ToArray(), first.ToArray(), second.ToArray());

    private Tensor Broadcast<TOp>(TOp op, Tensor other)
        where TOp : unmanaged, IBinaryOp
    {
        RequireSameEngine(other, TOp.Name);
        RequireType(DType.F32, TOp.Name);
        other.RequireType(DType.F32, TOp.Name);
        var shape = BroadcastShape(Shape, other.Shape, TOp.Name);
        var y = Engine.NewTensor(shape);
        if (Shape == other.Shape)
        {
            Engine.Launch(new BinaryKernel<TOp>(op, Buffer, other.Buffer, y.Buffer, shape.Count));
        }
        else
        {
            Engine.Launch(new BroadcastKernel<TOp>(op, BroadcastWalk(shape, Shape, other.Shape), Buffer, other.Buffer, y.Buffer));
        }

        return y;
    }

    /// <summary>
    /// The gradient of a function of two operands: first element by element over the result's shape, then, for an operand that was
    /// repeated, summed over the repeated axes.
    /// </summary>
    private abstract record BroadcastGradient : Op
    {
        public sealed override void Estimate(NeedMask need, BackwardEstimate estimate)
        {
            Shape a = estimate.InputShape(0), b = estimate.InputShape(1), shape = BroadcastShape(a, b, Name);
            for (int input = 0; input < 2; input++)
            {
                if (need.Has(input))
                {
                    // A repeated operand's full gradient goes into scratch memory first.
                    bool repeated = estimate.InputShape(input).Count != shape.Count;
                    estimate.Add(input, FullCost(input, shape, a, b, !repeated && estimate.Accumulates(input)));
                    if (repeated)
                    {
                        Summation.Estimate<SumOp>(estimate, input, RepeatedAxes(shape, estimate.InputShape(input)));
                    }
                }
            }
        }

        public sealed override void Backward(BackwardContext ctx)
        {
            for (int input = 0; input < 2; input++)
            {
                if (!ctx.TryGrad(input, out var target))
                {
                    continue;
                }

                var shape = ctx.InputShape(input);
                if (shape.Count == ctx.OutputShape.Count)
                {
                    Full(ctx, input, target);
                    continue;
                }

                var full = new GradTarget(ctx.Workspace(ctx.OutputShape.Count * sizeof(float)), false);
                Full(ctx, input, full);
                Summation.Launch<SumOp>(ctx.Engine.Context, RepeatedAxes(ctx.OutputShape, shape), 1, full.Buffer, target);
            }
        }

        protected abstract KernelCost FullCost(int input, Shape result, Shape a, Shape b, bool accumulate);

        protected abstract void Full(BackwardContext ctx, int input, GradTarget target);
    }

    private sealed record ExpandGradient(Shape Result) : Op
    {
        public override string Name => ExpandOp.Name;

        public override SavedSet Saves(NeedMask need) => SavedSet.None;

        public override void Estimate(NeedMask need, BackwardEstimate estimate) =>
            Summation.Estimate<SumOp>(estimate, 0, RepeatedAxes(Result, estimate.InputShape(0)));

        public override void Backward(BackwardContext ctx)
        {
            if (ctx.TryGrad(0, out var dx))
            {
                Summation.Launch<SumOp>(ctx.Engine.Context, RepeatedAxes(Result, ctx.InputShape(0)), 1, ctx.GradOut, dx);
            }
        }
    }

    private sealed record MulGradient : BroadcastGradient
    {
        public static readonly MulGradient Instance = new();

        public override string Name => MulOp.Name;

        public override SavedSet Saves(NeedMask need) => SavedSet.Input(0, need.Has(1)) | SavedSet.Input(1, need.Has(0));

        protected override KernelCost FullCost(int input, Shape result, Shape a, Shape b, bool accumulate) =>
            Kernel(result, input == 0 ? b : a, default, default, new GradTarget(default, accumulate)).Cost;

        protected override void Full(BackwardContext ctx, int input, GradTarget target) =>
            ctx.Launch(Kernel(ctx.OutputShape, ctx.InputShape(1 - input), ctx.GradOut, ctx.Saved(1 - input), target));

        private static BroadcastKernel<MulGradOp> Kernel(Shape result, Shape other, DeviceBuffer dy, DeviceBuffer x, GradTarget target) =>
            new(default, BroadcastWalk(result, result, other), dy, x, target.Buffer, target.Accumulate);
    }

    private sealed record DivGradient : BroadcastGradient
    {
        public static readonly DivGradient Instance = new();

        public override string Name => DivOp.Name;

        public override SavedSet Saves(NeedMask need) => SavedSet.Input(1) | SavedSet.Input(0, need.Has(1));

        protected override KernelCost FullCost(int input, Shape result, Shape a, Shape b, bool accumulate) =>
            input == 0
                ? new BroadcastKernel<DivGradAOp>(default, BroadcastWalk(result, result, b), default, default, default, accumulate).Cost
                : new BroadcastGradKernel<DivGradBOp>(BroadcastWalk(result, a, b), default, default, default, default, accumulate).Cost;

        protected override void Full(BackwardContext ctx, int input, GradTarget target)
        {
            Shape result = ctx.OutputShape, a = ctx.InputShape(0), b = ctx.InputShape(1);
            if (input == 0)
            {
                ctx.Launch(new BroadcastKernel<DivGradAOp>(default, BroadcastWalk(result, result, b), ctx.GradOut, ctx.Saved(1), target.Buffer, target.Accumulate));
            }
            else
            {
                ctx.Launch(new BroadcastGradKernel<DivGradBOp>(BroadcastWalk(result, a, b), ctx.GradOut, ctx.Saved(0), ctx.Saved(1), target.Buffer, target.Accumulate));
            }
        }
    }

    /// <summary>The gradient of an operation that takes one of its two operands.</summary>
    private sealed record ChoiceGradient<TOp, TGradA, TGradB> : BroadcastGradient
        where TOp : unmanaged, IBinaryOp
        where TGradA : unmanaged, IBinaryGradient
        where TGradB : unmanaged, IBinaryGradient
    {
        public static readonly ChoiceGradient<TOp, TGradA, TGradB> Instance = new();

        public override string Name => TOp.Name;

        public override SavedSet Saves(NeedMask need) => SavedSet.Input(0) | SavedSet.Input(1);

        protected override KernelCost FullCost(int input, Shape result, Shape a, Shape b, bool accumulate) =>
            new BroadcastGradKernel<TGradA>(BroadcastWalk(result, a, b), default, default, default, default, accumulate).Cost;

        protected override void Full(BackwardContext ctx, int input, GradTarget target)
        {
            var walk = BroadcastWalk(ctx.OutputShape, ctx.InputShape(0), ctx.InputShape(1));
            if (input == 0)
            {
                ctx.Launch(new BroadcastGradKernel<TGradA>(walk, ctx.GradOut, ctx.Saved(0), ctx.Saved(1), target.Buffer, target.Accumulate));
            }
            else
            {
                ctx.Launch(new BroadcastGradKernel<TGradB>(walk, ctx.GradOut, ctx.Saved(0), ctx.Saved(1), target.Buffer, target.Accumulate));
            }
        }
    }
}
