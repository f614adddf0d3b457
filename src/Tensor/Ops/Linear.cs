using SmartFrz.Kernels;

namespace SmartFrz.Tensors;

public sealed partial class Tensor
{
    /// <summary>Computes y = x W^T + b.</summary>
    /// <remarks>
    /// Shapes:   x (..., in), W (out, in), b (out) or absent; y (..., out).
    /// Gradient: dx = dy W, dW = dy^T x, db = the sums of dy's columns. Saves: W for dx, x for dW, nothing for db.
    /// Throws:   <see cref="ShapeException"/> when the sizes do not fit.
    /// </remarks>
    public Tensor Linear(Tensor weight, Tensor? bias = null)
    {
        RequireSameEngine(weight, "Linear");
        RequireType(DType.F32, "Linear");
        weight.RequireType(DType.F32, "Linear");
        if (weight.Shape.Rank != 2)
        {
            throw new ShapeException($"Linear: weight {weight.Shape} must have 2 axes, (out, in)");
        }

        var (outputs, inputs) = (weight.Shape[0], weight.Shape[1]);
        if (Shape.Rank < 1 || Shape[-1] != inputs)
        {
            throw new ShapeException($"Linear: input {Shape} has {(Shape.Rank < 1 ? 0 : Shape[-1])} features, weight {weight.Shape} expects {inputs}");
        }

        if (bias is not null)
        {
            RequireSameEngine(bias, "Linear");
            bias.RequireType(DType.F32, "Linear");
            if (bias.Shape != new Shape(outputs))
            {
                throw new ShapeException($"Linear: bias {bias.Shape} does not fit weight {weight.Shape}, ({outputs}) is expected");
            }
        }

        int rows = 1;
        for (int axis = 0; axis < Shape.Rank - 1; axis++)
        {
            rows = checked(rows * Shape[axis]);
        }

        var y = Engine.NewTensor(Shape.With(-1, outputs));
        Engine.Launch(new GemmKernel(new GemmShape(rows, outputs, inputs, false, true, false), Buffer, weight.Buffer, y.Buffer, bias?.Buffer ?? default));
        return Engine.Record(new LinearGradient(rows, outputs, inputs), y, bias is null ? [this, weight] : [this, weight, bias]);
    }

    private sealed record LinearGradient(int Rows, int Outputs, int Inputs) : Op
    {
        public override string Name => "linear";

        public override SavedSet Saves(NeedMask need) => SavedSet.Input(0, need.Has(1)) | SavedSet.Input(1, need.Has(0));

        public override void Estimate(NeedMask need, BackwardEstimate estimate)
        {
            estimate.Add(0, new GemmKernel(GradInput(estimate.Accumulates(0)), default, default, default).Cost);
            estimate.Add(1, new GemmKernel(GradWeight(estimate.Accumulates(1)), default, default, default).Cost);
            estimate.Add(2, new BiasGradKernel(default, default, Rows, Outputs, 1, estimate.Accumulates(2)).Cost);
        }

        public override void Backward(BackwardContext ctx)
        {
            if (ctx.TryGrad(0, out var dx))
            {
                ctx.Launch(new GemmKernel(GradInput(dx.Accumulate), ctx.GradOut, ctx.Saved(1), dx.Buffer));
            }

            if (ctx.TryGrad(1, out var dw))
            {
                ctx.Launch(new GemmKernel(GradWeight(dw.Accumulate), ctx.GradOut, ctx.Saved(0), dw.Buffer));
            }

            if (ctx.TryGrad(2, out var db))
            {
                ctx.Launch(new BiasGradKernel(ctx.GradOut, db.Buffer, Rows, Outputs, 1, db.Accumulate));
            }
        }

        private GemmShape GradInput(bool accumulate) => new(Rows, Inputs, Outputs, false, false, accumulate);

        private GemmShape GradWeight(bool accumulate) => new(Outputs, Inputs, Rows, true, false, accumulate);
    }
}
