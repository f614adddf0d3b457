using SmartFrz.Kernels;

namespace SmartFrz.Tensors;

public sealed partial class Tensor
{
    /// <summary>Computes the mean softmax cross-entropy of logits against class targets.</summary>
    /// <remarks>
    /// Computes: mean over n of lse(x[n]) - (1 - s) x[n, t[n]] - s mean(x[n]), s the label smoothing.
    /// Shapes:   logits (N,C), targets (N) of I32 or I64; a scalar of shape (1).
    /// Gradient: dx = dy / N (softmax(x) - target), the target smoothed. Saves: x, the targets and each row's log-sum-exp.
    /// Throws:   <see cref="ShapeException"/> when the counts differ. A target outside 0..C-1 makes the loss NaN.
    /// Source:   label smoothing: Szegedy et al. (arXiv 1512.00567), section 7, as in PyTorch.
    /// </remarks>
    public Tensor CrossEntropy(Tensor targets, float labelSmoothing = 0f)
    {
        RequireClassTargets(targets, "CrossEntropy");
        if (!(labelSmoothing is >= 0f and <= 1f))
        {
            throw new ArgumentException($"CrossEntropy: the label smoothing is {labelSmoothing:R}, a number from 0 to 1 is expected");
        }

        var shape = new CrossEntropyShape(Shape[0], Shape[1], labelSmoothing, targets.DType);
        var losses = Engine.NewTensor(new Shape(shape.Rows));
        var logSums = Engine.NewTensor(new Shape(shape.Rows));
        var mean = Engine.NewTensor(new Shape(1));
        Engine.Launch(new CrossEntropyForward(shape, Buffer, targets.Buffer, losses.Buffer, logSums.Buffer));
        Engine.Launch(new MeanLossKernel(losses.Buffer, mean.Buffer, shape.Rows));
        return Engine.Record(new CrossEntropyGradient(shape), mean, [this], [targets, logSums]);
    }

    private sealed record CrossEntropyGradient(CrossEntropyShape Shape) : Op
    {
        public override string Name => CrossEntropyForward.Name;

        public override SavedSet Saves(NeedMask need) => SavedSet.Input(0) | SavedSet.Extra(0) | SavedSet.Extra(1);

        public override void Estimate(NeedMask need, BackwardEstimate estimate) =>
            estimate.Add(0, new CrossEntropyBackward(Shape, default, default, default, default, default, estimate.Accumulates(0)).Cost);

        public override void Backward(BackwardContext ctx)
        {
            if (ctx.TryGrad(0, out var dx))
            {
                ctx.Launch(new CrossEntropyBackward(Shape, ctx.GradOut, ctx.Saved(0), ctx.Extra(0), ctx.Extra(1), dx.Buffer, dx.Accumulate));
            }
        }
    }
}
