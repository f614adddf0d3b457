using SmartFrz.Kernels;

namespace SmartFrz.Tensors;

public sealed partial class Tensor
{
    /// <summary>Averages each window of an image; the padding counts as zeros.</summary>
    /// <param name="kernel">Rows and columns of the window.</param>
    /// <param name="stride">Distance of neighbouring windows; the window's size when absent.</param>
    /// <param name="padding">Rows and columns of zeros around the image.</param>
    /// <remarks>
    /// Shapes:   x (N,C,H,W), y (N,C,P,Q) with P = floor((H + 2 padding - kernel) / stride) + 1, and Q likewise.
    /// Gradient: every element of a window gets dy / kernel^2. Saves: nothing.
    /// Throws:   as <see cref="MaxPool2d"/>.
    /// </remarks>
    public Tensor AvgPool2d(int kernel, int? stride = null, int padding = 0)
    {
        int step = stride ?? kernel;
        var (planes, h, w) = RequirePoolable("AvgPool2d", kernel, step, padding);
        int p = ((h + (2 * padding) - kernel) / step) + 1, q = ((w + (2 * padding) - kernel) / step) + 1;
        return AvgPool(new AvgPoolShape(planes, h, w, p, q, kernel, step, padding));
    }

    /// <summary>Averages an image down (or up) to any size, over windows spread evenly.</summary>
    /// <param name="height">Rows of the output.</param>
    /// <param name="width">Columns of the output.</param>
    /// <remarks>
    /// Computes: output row p averages the input rows floor(p H / P) to ceil((p + 1) H / P) - 1; columns likewise.
    /// Shapes:   x (N,C,H,W), y (N,C,height,width).
    /// Gradient: every element of a window gets dy / (elements of the window). Saves: nothing.
    /// Throws:   <see cref="ShapeException"/> when x is no image, or empty; <see cref="ArgumentException"/> when a size is below 1.
    /// </remarks>
    public Tensor AdaptiveAvgPool2d(int height, int width)
    {
        RequireType(DType.F32, "AdaptiveAvgPool2d");
        if (height < 1 || width < 1)
        {
            throw new ArgumentException($"AdaptiveAvgPool2d: the output is ({height},{width}), both must be at least 1");
        }

        if (Shape.Rank != 4 || Shape[2] == 0 || Shape[3] == 0)
        {
            throw new ShapeException($"AdaptiveAvgPool2d: input {Shape}, (N,C,H,W) with H and W of at least 1 is expected");
        }

        return AvgPool(new AvgPoolShape(Shape[0] * Shape[1], Shape[2], Shape[3], height, width, 0, 0, 0));
    }

    /// <summary>The average of each channel of each image.</summary>
    /// <remarks>
    /// Shapes:   x (N,C,H,W), y (N,C,1,1).
    /// Gradient: every element gets dy / (H W). Saves: nothing.
    /// Throws:   <see cref="ShapeException"/> when x is no image, or empty.
    /// </remarks>
    public Tensor GlobalAvgPool2d() => AdaptiveAvgPool2d(1, 1);

    private Tensor AvgPool(AvgPoolShape shape)
    {
        var y = Engine.NewTensor(new Shape(Shape[0], Shape[1], shape.P, shape.Q));
        Engine.Launch(new AvgPoolKernel(shape, Buffer, y.Buffer));
        return Engine.Record(new AvgPoolGradient(shape), y, [this]);
    }

    private sealed record AvgPoolGradient(AvgPoolShape Shape) : Op
    {
        public override string Name => AvgPoolKernel.Name;

        public override SavedSet Saves(NeedMask need) => SavedSet.None;

        public override void Estimate(NeedMask need, BackwardEstimate estimate) =>
            estimate.Add(0, new AvgPoolGradKernel(Shape, default, default, estimate.Accumulates(0)).Cost);

        public override void Backward(BackwardContext ctx)
        {
            if (ctx.TryGrad(0, out var dx))
            {
                ctx.Launch(new AvgPoolGradKernel(Shape, ctx.GradOut, dx.Buffer, dx.Accumulate));
            }
        }
    }
}
