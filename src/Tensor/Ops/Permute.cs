using SmartFrz.Kernels;

namespace SmartFrz.Tensors;

public sealed partial class Tensor
{
    /// <summary>The same elements with the axes in another order: axis i of the result is axis order[i] of this.</summary>
    /// <remarks>
    /// Shapes:   order names each axis once; negative axes count from the end.
    /// Gradient: dy in the inverse order. Saves: nothing.
    /// Throws:   <see cref="ShapeException"/> when the order is not one of the tensor's axes.
    /// </remarks>
    public Tensor Permute(params ReadOnlySpan<int> order)
    {
        RequireType(DType.F32, PermuteKernel.Name);
        int rank = Shape.Rank;
        var (forward, inverse, extents) = (new int[order.Length], new int[order.Length], new int[order.Length]);
        uint named = 0;
        for (int i = 0; i < order.Length; i++)
        {
            int axis = order[i] < 0 ? order[i] + rank : order[i];
            if (order.Length != rank || axis < 0 || axis >= rank || (named >> axis & 1) != 0)
            {
                throw new ShapeException($"Permute: order ({string.Join(',', order.ToArray())}) does not name each axis of shape {Shape} once");
            }

            named |= 1u << axis;
            (forward[i], inverse[axis], extents[i]) = (axis, i, Shape[axis]);
        }

        if (named != (1u << rank) - 1)
        {
            throw new ShapeException($"Permute: order ({string.Join(',', order.ToArray())}) does not name each axis of shape {Shape} once");
        }

        var y = Engine.NewTensor(new Shape(extents));
        Engine.Launch(new PermuteKernel(Shape.ToArray(), forward, Buffer, y.Buffer));
        return Engine.Record(new PermuteGradient(inverse, extents), y, [this]);
    }

    /// <summary>The same elements with two axes exchanged.</summary>
    /// <remarks>As <see cref="Permute"/>.</remarks>
    public Tensor Transpose(int axis0 = -1, int axis1 = -2)
    {
        var order = Enumerable.Range(0, Shape.Rank).ToArray();
        int a = axis0 < 0 ? axis0 + Shape.Rank : axis0, b = axis1 < 0 ? axis1 + Shape.Rank : axis1;
        if (a < 0 || b < 0 || a >= Shape.Rank || b >= Shape.Rank)
        {
            throw new ShapeException($"Transpose: axes {axis0} and {axis1} of shape {Shape}, which has {Shape.Rank} axes");
        }

        (order[a], order[b]) = (order[b], order[a]);
        return Permute(order);
    }

    private sealed record PermuteGradient(int[] Inverse, int[] ShapeOfY) : Op
    {
        public override string Name => PermuteKernel.Name;

        // By their elements: a step that does the same makes new arrays.
        public bool Equals(PermuteGradient? other) =>
            other is not null && Inverse.AsSpan().SequenceEqual(other.Inverse) && ShapeOfY.AsSpan().SequenceEqual(other.ShapeOfY);

        public override int GetHashCode() => HashCode.Combine(Inverse.Length, ShapeOfY.Length);

        public override SavedSet Saves(NeedMask need) => SavedSet.None;

        public override void Estimate(NeedMask need, BackwardEstimate estimate) =>
            estimate.Add(0, new PermuteKernel(ShapeOfY, Inverse, default, default, estimate.Accumulates(0)).Cost);

        public override void Backward(BackwardContext ctx)
        {
            if (ctx.TryGrad(0, out var dx))
            {
                ctx.Launch(new PermuteKernel(ShapeOfY, Inverse, ctx.GradOut, dx.Buffer, dx.Accumulate));
            }
        }
    }
}
