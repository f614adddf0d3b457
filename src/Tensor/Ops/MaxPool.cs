using SmartFrz.Kernels;

namespace SmartFrz.Tensors;

public sealed partial class Tensor
{
    /// <summary>Takes the largest element of each window of an image.</summary>
    /// <param name="kernel">Rows and columns of the window.</param>
    /// <param name="stride">Distance of neighbouring windows; the window's size when absent.</param>
    /// <param name="padding">Rows and columns around the image that no maximum is taken from.</param>
    /// <remarks>
    /// Shapes:   x (N,C,H,W), y (N,C,P,Q) with P = floor((H + 2 padding - kernel) / stride) + 1, and Q likewise.
    /// Gradient: dy goes to the maximum; to the first in row-major order among equals. NaN counts as the maximum.
    /// Saves:    the place of the maximum in each window (I32).
    /// Throws:   <see cref="ShapeException"/> when x is no image or smaller than the window; <see cref="ArgumentException"/> when the window or the
    ///           stride is below 1, or the padding above half the window.
    /// </remarks>
    public Tensor MaxPool2d(int kernel, int? stride = null, int padding = 0)
    {
        var (planes, h, w) = RequirePoolable("MaxPool2d", kernel, stride ?? kernel, padding);
        var shape = new MaxPoolShape(planes, h, w, kernel, stride ?? kernel, padding);
        var y = Engine.NewTensor(new Shape(Shape[0], Shape[1], shape.P, shape.Q));
        var taps = Engine.Need(this).IsEmpty ? null : Engine.NewTensor(y.Shape, DType.I32);
        Engine.Launch(new MaxPoolKernel(shape, Buffer, y.Buffer, taps?.Buffer ?? default));
        return Engine.Record(new MaxPoolGradient(shape), y, [this], [taps]);
    }

    private (int Planes, int H, int W) RequirePoolable(string operation, int kernel, int stride, int padding)
    {
        RequireType(DType.F32, operation);
        if (kernel < 1 || stride < 1)
        {
            throw new ArgumentException($"{operation}: the window is {kernel} and the stride {stride}, both must be at least 1");
        }

        if (padding < 0 || padding > kernel / 2)
        {
            throw new ArgumentException($"{operation}: the padding is {padding}, it must be between 0 and half the window of {kernel}");
        }

        if (Shape.Rank != 4)
        {
            throw new ShapeException($"{operation}: input {Shape} has {Shape.Rank} axes, (N,C,H,W) is expected");
        }

        if (Shape[2] + (2 * padding) < kernel || Shape[3] + (2 * padding) < kernel)
        {
            throw new ShapeException($"{operation}: input {Shape} with padding {padding} is smaller than the window of {kernel}");
        }

        return (Shape[0] * Shape[1], Shape[2], Shape[3]);
    }

    private sealed record MaxPoolGradient(MaxPoolShape Shape) : Op
    {
        public override string Name => MaxPoolKernel.Name;

        public override SavedSet Saves(NeedMask need) => SavedSet.Extra(0);

        public override void Estimate(NeedMask need, BackwardEstimate estimate) =>
            estimate.Add(0, new MaxPoolGradKernel(Shape, default, default, default, estimate.Accumulates(0)).Cost);

        public override void Backward(BackwardContext ctx)
        {
            if (ctx.TryGrad(0, out var dx))
            {
                ctx.Launch(new MaxPoolGradKernel(Shape, ctx.GradOut, ctx.Extra(0), dx.Buffer, dx.Accumulate));
            }
        }
    }
}
