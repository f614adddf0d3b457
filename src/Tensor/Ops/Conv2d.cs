using SmartFrz.Kernels;

namespace SmartFrz.Tensors;

/// <summary>How a convolution's filters move over the input; one number for height and width, or one for each.</summary>
/// <param name="Stride">Input pixels from one output pixel to the next.</param>
/// <param name="Padding">Rows or columns of zeros on each side of the input.</param>
/// <param name="Dilation">Input pixels from one filter element to the next.</param>
/// <param name="Groups">Parts that the channels are split into; each output channel sees the input channels of its own part.</param>
public readonly record struct Conv2dOptions((int H, int W) Stride, (int H, int W) Padding, (int H, int W) Dilation, int Groups)
{
    /// <summary>Stride 1, no padding, no dilation, one group.</summary>
    public Conv2dOptions()
        : this((1, 1), (0, 0), (1, 1), 1)
    {
    }

    /// <summary>The same in height and width.</summary>
    public Conv2dOptions(int stride = 1, int padding = 0, int dilation = 1, int groups = 1)
        : this((stride, stride), (padding, padding), (dilation, dilation), groups)
    {
    }
}

public sealed partial class Tensor
{
    /// <summary>Computes the two-dimensional convolution (cross-correlation) of images with filters, plus a bias for each output channel.</summary>
    /// <remarks>
    /// Shapes:   x (N, C, H, W), W (K, C / groups, R, S), b (K) or absent; y (N, K, P, Q) with
    ///           P = (H + 2 padding - dilation (R - 1) - 1) / stride + 1, rounded down, and Q likewise.
    /// Gradient: dx, dW and db, one kernel each. Saves: W for dx, x for dW, nothing for db.
    /// Throws:   <see cref="ShapeException"/> when the sizes do not fit.
    /// </remarks>
    public Tensor Conv2d(Tensor weight, Tensor? bias, Conv2dOptions options)
    {
        var sizes = Conv2dSizes(weight, bias, options);
        var y = Engine.NewTensor(new Shape(sizes.N, sizes.K, sizes.P, sizes.Q));
        Engine.Launch(new Conv2dForward(sizes, Buffer, weight.Buffer, bias?.Buffer ?? default, y.Buffer));
        return Engine.Record(GradientOf(sizes), y, bias is null ? [this, weight] : [this, weight, bias]);
    }

    /// <summary>As <see cref="Conv2d(Tensor, Tensor?, Conv2dOptions)"/> with stride 1, no padding, no dilation and one group.</summary>
    public Tensor Conv2d(Tensor weight, Tensor? bias = null) => Conv2d(weight, bias, new Conv2dOptions());

    private Conv2dGradient GradientOf(Conv2dShape sizes) => Engine.OpOf(sizes, static s => new Conv2dGradient(s), static op => op.Sizes);

    // The sizes of a convolution of this tensor, once all operands have been checked.
    private Conv2dShape Conv2dSizes(Tensor weight, Tensor? bias, Conv2dOptions options)
    {
        RequireSameEngine(weight, "Conv2d");
        RequireType(DType.F32, "Conv2d");
        weight.RequireType(DType.F32, "Conv2d");
        var sizes = SizesOf(Shape, weight.Shape, options);
        if (bias is not null)
        {
            RequireSameEngine(bias, "Conv2d");
            bias.RequireType(DType.F32, "Conv2d");
            if (bias.Shape != new Shape(sizes.K))
            {
                throw new ShapeException($"Conv2d: bias {bias.Shape} does not fit weight {weight.Shape}, ({sizes.K}) is expected");
            }
        }

        return sizes;
    }

    private static Conv2dShape SizesOf(Shape x, Shape weight, Conv2dOptions options)
    {
        if (x.Rank != 4 || weight.Rank != 4)
        {
            throw new ShapeException($"Conv2d: input {x} and weight {weight} must both have 4 axes, (N,C,H,W) and (K,C/groups,R,S)");
        }

        var sizes = new Conv2dShape(
            x[0], x[1], x[2], x[3], weight[0], weight[2], weight[3],
            options.Stride.H, options.Stride.W, options.Padding.H, options.Padding.W, options.Dilation.H, options.Dilation.W, options.Groups);
        if (!sizes.Validate(out string error))
        {
            throw new ShapeException($"{error} (input {x}, weight {weight})");
        }

        if (weight[1] * options.Groups != x[1])
        {
            string groups = options.Groups == 1 ? "" : $" in {options.Groups} groups";
            throw new ShapeException($"Conv2d: input {x} has {x[1]} channels, weight {weight}{groups} expects {weight[1] * options.Groups}");
        }

        return sizes;
    }

    private sealed record Conv2dGradient(Conv2dShape Sizes) : Op
    {
        public override string Name => Conv2dForward.Name;

        public override SavedSet Saves(NeedMask need) => SavedSet.Input(0, need.Has(1)) | SavedSet.Input(1, need.Has(0));

        public override void Estimate(NeedMask need, BackwardEstimate estimate)
        {
            estimate.Add(0, new Conv2dBackwardInput(Sizes, default, default, default, estimate.Accumulates(0)).Cost);
            estimate.Add(1, new Conv2dBackwardWeight(Sizes, default, default, default, estimate.Accumulates(1)).Cost);
            estimate.Add(2, new BiasGradKernel(default, default, Sizes.N, Sizes.K, Sizes.P * Sizes.Q, estimate.Accumulates(2)).Cost);
        }

        public override void Backward(BackwardContext ctx)
        {
            if (ctx.TryGrad(0, out var dx))
            {
                ctx.Launch(new Conv2dBackwardInput(Sizes, ctx.GradOut, ctx.Saved(1), dx.Buffer, dx.Accumulate));
            }

            if (ctx.TryGrad(1, out var dw))
            {
                ctx.Launch(new Conv2dBackwardWeight(Sizes, ctx.GradOut, ctx.Saved(0), dw.Buffer, dw.Accumulate));
            }

            if (ctx.TryGrad(2, out var db))
            {
                ctx.Launch(new BiasGradKernel(ctx.GradOut, db.Buffer, Sizes.N, Sizes.K, Sizes.P * Sizes.Q, db.Accumulate));
            }
        }
    }
}
