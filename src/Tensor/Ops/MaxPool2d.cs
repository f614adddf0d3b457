using SmartFrz.Kernels;

namespace SmartFrz.Tensors;

public sealed partial class Tensor
{
    /// <summary>Computes the largest element of each window of an image.</summary>
    /// <remarks>
    /// Shapes:   x (N,C,H,W), y (N,C,P,Q) with P = (H + 2 padding - kernel) / stride + 1, rounded down.
    /// Gradient: dy goes to the first largest element of each window. Saves: those positions, when a gradient is needed.
    /// Throws:   <see cref="ShapeException"/> when the window does not fit or the padding exceeds half of it.
    /// </remarks>
    public Tensor MaxPool2d(int kernel, int stride, int padding = 0)
    {
        RequireType(DType.F32, "MaxPool2d");
        var shape = PoolShape("MaxPool2d", kernel, stride, padding);
        var y = Engine.NewTensor(new Shape(shape.N, shape.C, shape.P, shape.Q));
        var indices = Engine.Need(this).IsEmpty ? null : Engine.NewTensor(y.Shape, DType.I32);
        Engine.Launch(new MaxPool2dForward(shape, Buffer, y.Buffer, indices?.Buffer ?? default));
        return Engine.Record(new MaxPool2dGradient(shape), y, [this], [indices]);
    }

    private Pool2dShape PoolShape(string operation, int kernel, int stride, int padding)
    {
        if (Shape.Rank != 4)
        {
            throw new ShapeException($"{operation}: input {Shape}, expected (N,C,H,W)");
        }

        if (kernel < 1 || stride < 1 || padding < 0 || padding > kernel / 2)
        {
            throw new ShapeException($"{operation}: kernel {kernel}, stride {stride}, padding {padding}; kernel and stride must be at least 1, padding at most half the kernel");
        }

        if (Shape[2] + (2 * padding) < kernel || Shape[3] + (2 * padding) < kernel)
        {
            throw new ShapeException($"{operation}: input {Shape} with padding {padding} is smaller than the kernel {kernel}x{kernel}");
        }

        return new Pool2dShape(Shape[0], Shape[1], Shape[2], Shape[3], kernel, kernel, stride, stride, padding, padding);
    }

    private sealed class MaxPool2dGradient(Pool2dShape shape) : Op
    {
        public override string Name => MaxPool2dForward.Name;

        public override SavedSet Saves(NeedMask need) => SavedSet.Extra(0);

        public override void Estimate(NeedMask need, BackwardEstimate estimate) =>
            estimate.Add(0, new MaxPool2dBackward(shape, default, default, default, false).Cost);

        public override void Backward(BackwardContext ctx)
        {
            if (ctx.TryGrad(0, out var dx))
            {
                ctx.Launch(new MaxPool2dBackward(shape, ctx.GradOut, ctx.Extra(0), dx.Buffer, dx.Accumulate));
            }
        }
    }
}
