using SmartFrz.Kernels;

namespace SmartFrz.Tensors;

public sealed partial class Tensor
{
    /// <summary>Computes the mean softmax cross-entropy of logits against class targets.</summary>
    /// <remarks>
    /// Computes: mean over n of lse(x[n]) - (1 - s) x[n, t[n]] - s mean(x[n]), s the label smoothing.
    /// Shapes:   logits (N,C), targets (N) of I32; a scalar of shape (1).
    /// Gradient: dx = dy / N (softmax(x) - target), the target smoothed. Saves: x, the targets and each row's log-sum-exp.
    /// Throws:   <see cref="ShapeException"/> when the counts differ.
    /// Source:   label smoothing: Szegedy et al. (arXiv 1512.00567), section 7, as in PyTorch.
    /// </remarks>
    public Tensor CrossEntropy(Tensor targets, float labelSmoothing = 0f)
    {
        RequireType(DType.F32, "CrossEntropy");
        targets.RequireType(DType.I32, "CrossEntropy");
        if (Shape.Rank != 2 || targets.Shape != new Shape(Shape[0]))
        {
            throw new ShapeException($"CrossEntropy: logits {Shape} and targets {targets.Shape}, expected (N,C) and (N)");
        }

        if (Shape[0] == 0 || Shape[1] == 0)
        {
            throw new ShapeException($"CrossEntropy: logits {Shape} have no rows or no classes");
        }

        var shape = new CrossEntropyShape(Shape[0], Shape[1], labelSmoothing);
        var losses = Engine.NewTensor(new Shape(shape.Rows));
        var logSums = Engine.NewTensor(new Shape(shape.Rows));
        var mean = Engine.NewTensor(new Shape(1));
        Engine.Launch(new CrossEntropyForward(shape, Buffer, targets.Buffer, losses.Buffer, logSums.Buffer));
        Engine.Launch(new MeanLossKernel(losses.Buffer, mean.Buffer, shape.Rows));
        return Engine.Record(new CrossEntropyGradient(shape), mean, [this], [targets, logSums]);
    }

    private sealed class CrossEntropyGradient(CrossEntropyShape shape) : Op
    {
        public override string Name => CrossEntropyForward.Name;

        public override SavedSet Saves(NeedMask need) => SavedSet.Input(0) | SavedSet.Extra(0) | SavedSet.Extra(1);

        public override void Estimate(NeedMask need, BackwardEstimate estimate) =>
            estimate.Add(0, new CrossEntropyBackward(shape, default, default, default, default, default, false).Cost);

        public override void Backward(BackwardContext ctx)
        {
            if (ctx.TryGrad(0, out var dx))
            {
                ctx.Launch(new CrossEntropyBackward(shape, ctx.GradOut, ctx.Saved(0), ctx.Extra(0), ctx.Extra(1), dx.Buffer, dx.Accumulate));
            }
        }
    }
}
