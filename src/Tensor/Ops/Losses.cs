using SmartFrz.Kernels;

namespace SmartFrz.Tensors;

public sealed partial class Tensor
{
    /// <summary>Computes the mean of (x - target)^2 over all elements.</summary>
    /// <remarks>
    /// Shapes:   x and target alike; a scalar.
    /// Gradient: dx = 2 dy (x - target) / count, dtarget = -dx. Saves: x - target.
    /// Throws:   <see cref="ShapeException"/> when the shapes differ or are empty.
    /// </remarks>
    public Tensor MeanSquaredError(Tensor target)
    {
        RequireSameShape(target, "MeanSquaredError");
        return Sub(target).Square().Mean();
    }

    /// <summary>Computes the mean cross-entropy of probabilities, given by their logits, against targets in [0, 1].</summary>
    /// <remarks>
    /// Computes: the mean over all elements of max(x, 0) - x t + log(1 + e^-|x|), which neither overflows nor loses digits.
    /// Shapes:   x and target alike; a scalar.
    /// Gradient: dx = dy (sigmoid(x) - t) / count, dtarget = -dy x / count. Saves: x and the target.
    /// Throws:   <see cref="ShapeException"/> when the shapes differ or are empty.
    /// </remarks>
    public Tensor BinaryCrossEntropyWithLogits(Tensor target)
    {
        RequireSameShape(target, "BinaryCrossEntropyWithLogits");
        var gradient = ChoiceGradient<LogitCrossEntropyOp, LogitCrossEntropyGradOp, LogitCrossEntropyTargetGradOp>.Instance;
        return Engine.Record(gradient, Broadcast(default(LogitCrossEntropyOp), target), [this, target]).Mean();
    }

    /// <summary>Counts the rows whose largest logit, the first of equals, is the target's.</summary>
    /// <remarks>
    /// Shapes:   logits (N,C), targets (N) of I32 or I64; a scalar of shape (1).
    /// Gradient: none.
    /// Throws:   <see cref="ShapeException"/> when the counts differ.
    /// </remarks>
    public Tensor CountCorrect(Tensor targets)
    {
        RequireClassTargets(targets, "CountCorrect");
        var count = Engine.NewTensor(new Shape(1));
        Engine.Launch(new CorrectKernel(Buffer, targets.Buffer, targets.DType, count.Buffer, Shape[0], Shape[1]));
        return count;
    }

    private void RequireSameShape(Tensor target, string operation)
    {
        if (Shape != target.Shape)
        {
            throw new ShapeException($"{operation}: the input has shape {Shape}, the target {target.Shape}");
        }
    }

    private void RequireClassTargets(Tensor targets, string operation)
    {
        RequireType(DType.F32, operation);
        RequireSameEngine(targets, operation);
        if (targets.DType is not (DType.I32 or DType.I64))
        {
            throw new ArgumentException($"{operation}: the targets of shape {targets.Shape} hold {targets.DType}, I32 or I64 is expected");
        }

        if (Shape.Rank != 2 || targets.Shape != new Shape(Shape[0]))
        {
            throw new ShapeException($"{operation}: logits {Shape} and targets {targets.Shape}, expected (N,C) and (N)");
        }

        if (Shape[0] == 0 || Shape[1] == 0)
        {
            throw new ShapeException($"{operation}: logits {Shape} have no rows or no classes");
        }
    }
}
