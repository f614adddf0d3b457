using SmartFrz.Kernels;

namespace SmartFrz.Tensors;

public sealed partial class Tensor
{
    /// <summary>Computes the sum over the given axes; over all of them when none is given.</summary>
    /// <remarks>
    /// Shapes:   the reduced axes are gone, or have extent 1 with <paramref name="keepDim"/>; negative axes count from the end.
    /// Gradient: dy, repeated along the reduced axes. Saves: nothing.
    /// Throws:   <see cref="ShapeException"/> for an axis that does not exist or is named twice.
    /// </remarks>
    public Tensor Sum(ReadOnlySpan<int> axes = default, bool keepDim = false)
    {
        uint reduced = ReducedAxes(axes, "Sum");
        return Sum<SumOp>(reduced, keepDim, 1, new SumGradient(reduced, 1f));
    }

    /// <summary>Computes the mean over the given axes; over all of them when none is given.</summary>
    /// <remarks>
    /// Shapes:   as for <see cref="Sum(ReadOnlySpan{int}, bool)"/>.
    /// Gradient: dy / (number of elements averaged), repeated along the reduced axes. Saves: nothing.
    /// Throws:   <see cref="ShapeException"/> for an axis that does not exist or is named twice, and for a mean of nothing.
    /// </remarks>
    public Tensor Mean(ReadOnlySpan<int> axes = default, bool keepDim = false)
    {
        uint reduced = ReducedAxes(axes, "Mean");
        long n = RequireTerms(reduced, "Mean");
        return Sum<SumOp>(reduced, keepDim, 1.0 / n, new SumGradient(reduced, (float)(1.0 / n)));
    }

    /// <summary>Computes the sum of squares over the given axes; over all of them when none is given.</summary>
    /// <remarks>
    /// Shapes:   as for <see cref="Sum(ReadOnlySpan{int}, bool)"/>.
    /// Gradient: 2 * dy * x. Saves: x.
    /// Throws:   <see cref="ShapeException"/> for an axis that does not exist or is named twice.
    /// </remarks>
    public Tensor SumSquares(ReadOnlySpan<int> axes = default, bool keepDim = false)
    {
        uint reduced = ReducedAxes(axes, "SumSquares");
        return Sum<SumSquaresOp>(reduced, keepDim, 1, new SumSquaresGradient(reduced));
    }

    /// <summary>Computes the Euclidean norm over the given axes; over all of them when none is given.</summary>
    /// <remarks>Gradient: dy * x / y, undefined where the norm is 0. Saves: x, and the norm.</remarks>
    public Tensor Norm(ReadOnlySpan<int> axes = default, bool keepDim = false) => SumSquares(axes, keepDim).Sqrt();

    /// <summary>
    /// Computes the variance over the given axes (over all of them when none is given): the mean square of the distances from the
    /// mean, with <paramref name="correction"/> subtracted from the number of elements in the denominator.
    /// </summary>
    /// <remarks>
    /// Gradient: through the mean and the squares. Saves: the distances from the mean.
    /// Throws:   <see cref="ShapeException"/> unless there are more elements than the correction.
    /// </remarks>
    public Tensor Variance(ReadOnlySpan<int> axes = default, bool keepDim = false, int correction = 0)
    {
        long n = RequireTerms(ReducedAxes(axes, "Variance"), "Variance");
        if (n <= correction)
        {
            throw new ShapeException($"Variance: {n} elements of shape {Shape} are taken together, more than the correction {correction} are needed");
        }

        return Sub(Mean(axes, keepDim: true)).SumSquares(axes, keepDim).Scale((float)(1.0 / (n - correction)));
    }

    /// <summary>Computes the largest element over the given axes; over all of them when none is given. NaN counts as the largest.</summary>
    /// <remarks>
    /// Shapes:   as for <see cref="Sum(ReadOnlySpan{int}, bool)"/>.
    /// Gradient: dy at the first maximum, 0 elsewhere. Saves: the places of the maxima.
    /// Throws:   <see cref="ShapeException"/> for an axis that does not exist or is named twice, and for a maximum of nothing.
    /// </remarks>
    public Tensor Max(ReadOnlySpan<int> axes = default, bool keepDim = false)
    {
        uint reduced = ReducedAxes(axes, "Max");
        var (y, index) = MaxAndPlace(reduced, keepDim, "Max");
        return Engine.Record(new MaxGradient(reduced), y, [this], [index]);
    }

    /// <summary>Computes the place of the first largest element along one axis, as I32.</summary>
    /// <remarks>Gradient: none.</remarks>
    public Tensor ArgMax(int axis = -1) => MaxAndPlace(ReducedAxes([axis], "ArgMax"), keepDim: false, "ArgMax").Index;

    private (Tensor Value, Tensor Index) MaxAndPlace(uint reduced, bool keepDim, string operation)
    {
        RequireType(DType.F32, operation);
        RequireTerms(reduced, operation);
        var shape = ReducedShape(reduced, keepDim);
        var (y, index) = (Engine.NewTensor(shape), Engine.NewTensor(shape, DType.I32));
        Engine.Launch(new MaxKernel(ReduceGeometry.Of(Shape.ToArray(), reduced), Buffer, y.Buffer, index.Buffer));
        return (y, index);
    }

    private Tensor Sum<TOp>(uint reduced, bool keepDim, double scale, Op gradient)
        where TOp : unmanaged, ISumOp
    {
        RequireType(DType.F32, TOp.Name);
        var y = Engine.NewTensor(ReducedShape(reduced, keepDim));
        Summation.Launch<TOp>(Engine.Context, ReduceGeometry.Of(Shape.ToArray(), reduced), scale, Buffer, new GradTarget(y.Buffer, false));
        return Engine.Record(gradient, y, [this]);
    }

    private uint ReducedAxes(ReadOnlySpan<int> axes, string operation)
    {
        if (axes.IsEmpty)
        {
            return (1u << Shape.Rank) - 1;
        }

        uint reduced = 0;
        foreach (int axis in axes)
        {
            int i = axis < 0 ? axis + Shape.Rank : axis;
            if (i < 0 || i >= Shape.Rank || (reduced >> i & 1) != 0)
            {
                throw new ShapeException(
                    $"{operation}: axis {axis} of shape {Shape} {(i < 0 || i >= Shape.Rank ? "does not exist" : "is named twice")}");
            }

            reduced |= 1u << i;
        }

        return reduced;
    }

    private long RequireTerms(uint reduced, string operation)
    {
        long n = 1;
        for (int i = 0; i < Shape.Rank; i++)
        {
            n *= (reduced >> i & 1) != 0 ? Shape[i] : 1;
        }

        return n > 0 ? n : throw new ShapeException($"{operation}: shape {Shape} has no elements along the reduced axes");
    }

    private Shape ReducedShape(uint reduced, bool keepDim)
    {
        Span<int> extents = stackalloc int[Shape.Rank];
        int rank = 0;
        for (int i = 0; i < Shape.Rank; i++)
        {
            bool gone = (reduced >> i & 1) != 0;
            if (!gone || keepDim)
            {
                extents[rank++] = gone ? 1 : Shape[i];
            }
        }

        return new Shape(extents[..rank]);
    }

    /// <summary>The walk over an operand in which a result of its reduction repeats.</summary>
    private static StridedPair RepeatWalk(Shape shape, uint reduced, bool firstIsFull)
    {
        Span<int> small = stackalloc int[shape.Rank];
        for (int i = 0; i < small.Length; i++)
        {
            small[i] = (reduced >> i & 1) != 0 ? 1 : shape[i];
        }

        var full = shape.ToArray();
        return StridedPair.Broadcast(full, firstIsFull ? full : small, small);
    }

    private sealed record SumGradient(uint Reduced, float Factor) : Op
    {
        public override string Name => SumOp.Name;

        public override SavedSet Saves(NeedMask need) => SavedSet.None;

        public override void Estimate(NeedMask need, BackwardEstimate estimate) =>
            estimate.Add(0, Kernel(estimate.InputShape(0), default, new GradTarget(default, estimate.Accumulates(0))).Cost);

        public override void Backward(BackwardContext ctx)
        {
            if (ctx.TryGrad(0, out var dx))
            {
                ctx.Launch(Kernel(ctx.InputShape(0), ctx.GradOut, dx));
            }
        }

        private BroadcastKernel<ExpandOp> Kernel(Shape shape, DeviceBuffer dy, GradTarget dx) =>
            new(new ExpandOp(Factor), RepeatWalk(shape, Reduced, firstIsFull: false), dy, dy, dx.Buffer, dx.Accumulate);
    }

    private sealed record SumSquaresGradient(uint Reduced) : Op
    {
        public override string Name => SumSquaresOp.Name;

        public override SavedSet Saves(NeedMask need) => SavedSet.Input(0);

        public override void Estimate(NeedMask need, BackwardEstimate estimate) =>
            estimate.Add(0, Kernel(estimate.InputShape(0), default, default, new GradTarget(default, estimate.Accumulates(0))).Cost);

        public override void Backward(BackwardContext ctx)
        {
            if (ctx.TryGrad(0, out var dx))
            {
                ctx.Launch(Kernel(ctx.InputShape(0), ctx.Saved(0), ctx.GradOut, dx));
            }
        }

        private BroadcastKernel<ScaledMulOp> Kernel(Shape shape, DeviceBuffer x, DeviceBuffer dy, GradTarget dx) =>
            new(new ScaledMulOp(2f), RepeatWalk(shape, Reduced, firstIsFull: true), x, dy, dx.Buffer, dx.Accumulate);
    }

    private sealed record MaxGradient(uint Reduced) : Op
    {
        public override string Name => MaxKernel.Name;

        public override SavedSet Saves(NeedMask need) => SavedSet.Extra(0);

        public override void Estimate(NeedMask need, BackwardEstimate estimate) =>
            estimate.Add(
                0, new MaxGradKernel(ReduceGeometry.Of(estimate.InputShape(0).ToArray(), Reduced), default, default, default, estimate.Accumulates(0)).Cost);

        public override void Backward(BackwardContext ctx)
        {
            if (ctx.TryGrad(0, out var dx))
            {
                ctx.Launch(new MaxGradKernel(ReduceGeometry.Of(ctx.InputShape(0).ToArray(), Reduced), ctx.GradOut, ctx.Extra(0), dx.Buffer, dx.Accumulate));
            }
        }
    }
}
