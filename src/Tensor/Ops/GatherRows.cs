using SmartFrz.Kernels;

namespace SmartFrz.Tensors;

public sealed partial class Tensor
{
    /// <summary>Takes rows of a table: y[i, :] = this[indices[i], :] (an embedding).</summary>
    /// <param name="indices">The rows to take.</param>
    /// <param name="padding">The row of padding, which has no gradient; null for none.</param>
    /// <remarks>
    /// Shapes:   this (rows, columns), indices of any shape (I32); the result has the indices' shape and columns behind it.
    /// Gradient: each row's gradients summed in the order of the indices, 0 for the row of padding. Saves: the indices.
    /// Throws:   <see cref="ShapeException"/> unless this is a matrix and the padding one of its rows; <see cref="ArgumentException"/> unless the indices are I32.
    ///           An index outside the table gives zeros and has no gradient: it cannot be seen without waiting for the device.
    /// </remarks>
    public Tensor GatherRows(Tensor indices, int? padding = null)
    {
        RequireSameEngine(indices, "GatherRows");
        RequireType(DType.F32, "GatherRows");
        indices.RequireType(DType.I32, "GatherRows");
        if (Shape.Rank != 2 || indices.Shape.Rank == Tensors.Shape.MaxRank)
        {
            throw new ShapeException(
                $"GatherRows: table {Shape} and indices {indices.Shape}, a matrix and at most {Tensors.Shape.MaxRank - 1} axes of indices are expected");
        }

        if (padding < 0 || padding >= Shape[0])
        {
            throw new ShapeException($"GatherRows: padding is row {padding}, table {Shape} has rows 0 to {Shape[0] - 1}");
        }

        var y = Engine.NewTensor(new Shape([.. indices.Shape.ToArray(), Shape[1]]));
        Engine.Launch(new GatherRowsKernel(Buffer, indices.Buffer, y.Buffer, Shape[0], Shape[1], (int)indices.Shape.Count));
        return Engine.Record(new GatherRowsGradient((int)indices.Shape.Count, padding ?? -1), y, [this], [indices]);
    }

    private sealed record GatherRowsGradient(int Count, int Padding) : Op
    {
        public override string Name => GatherRowsKernel.Name;

        public override SavedSet Saves(NeedMask need) => SavedSet.Extra(0);

        public override void Estimate(NeedMask need, BackwardEstimate estimate) =>
            estimate.Add(0, Kernel(estimate.InputShape(0), default, default, new GradTarget(default, estimate.Accumulates(0))).Cost);

        public override void Backward(BackwardContext ctx)
        {
            if (ctx.TryGrad(0, out var table))
            {
                ctx.Launch(Kernel(ctx.InputShape(0), ctx.GradOut, ctx.Extra(0), table));
            }
        }

        private ScatterRowsKernel Kernel(Shape table, DeviceBuffer dy, DeviceBuffer indices, GradTarget target) =>
            new(dy, indices, target.Buffer, table[0], table[1], Count, target.Accumulate, Padding);
    }
}
