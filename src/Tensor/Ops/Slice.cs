using SmartFrz.Kernels;

namespace SmartFrz.Tensors;

/// <summary>Elements along one axis: <paramref name="Length"/> of them from <paramref name="Start"/> on, <paramref name="Step"/> apart.</summary>
public readonly record struct AxisRange(int Start, int Length, int Step = 1);

public sealed partial class Tensor
{
    /// <summary>The elements of a range along each axis.</summary>
    /// <remarks>
    /// Shapes:   one range for each axis; the result has the ranges' lengths.
    /// Gradient: dy at the chosen elements, 0 elsewhere. Saves: nothing.
    /// Throws:   <see cref="ShapeException"/> when a range does not lie within its axis, or their number is not that of the axes.
    /// </remarks>
    public Tensor Slice(params ReadOnlySpan<AxisRange> ranges)
    {
        RequireType(DType.F32, "slice");
        if (ranges.Length != Shape.Rank)
        {
            throw new ShapeException($"Slice: {ranges.Length} ranges for shape {Shape}, which has {Shape.Rank} axes");
        }

        for (int i = 0; i < ranges.Length; i++)
        {
            var (start, length, step) = ranges[i];
            if (start < 0 || length < 0 || step < 1 || (length > 0 && start + ((long)(length - 1) * step) >= Shape[i]))
            {
                throw new ShapeException($"Slice: axis {i} of shape {Shape} has extent {Shape[i]}, {length} elements from {start} on in steps of {step} do not lie within it");
            }
        }

        var window = Window(Shape, ranges);
        var y = Engine.NewTensor(LengthsOf(ranges));
        Engine.Launch(new StridedCopyKernel(window.Walk(), Buffer, window.First, y.Buffer, 0));
        return Engine.Record(new SliceGradient(window), y, [this]);
    }

    /// <summary>The elements of a range along one axis, and all along the others.</summary>
    /// <remarks>As <see cref="Slice(ReadOnlySpan{AxisRange})"/>.</remarks>
    public Tensor Slice(int axis, int start, int length, int step = 1)
    {
        Span<AxisRange> ranges = stackalloc AxisRange[Shape.Rank];
        for (int i = 0; i < ranges.Length; i++)
        {
            ranges[i] = new AxisRange(0, Shape[i]);
        }

        ranges[AxisIndex(axis, "Slice")] = new AxisRange(start, length, step);
        return Slice(ranges);
    }

    /// <summary>This tensor with zeros before and after it along one axis.</summary>
    /// <remarks>
    /// Gradient: dy without the padding. Saves: nothing.
    /// Throws:   <see cref="ShapeException"/> when a padding is negative or the axis does not exist.
    /// </remarks>
    public Tensor Pad(int axis, int before, int after)
    {
        RequireType(DType.F32, "pad");
        int padded = AxisIndex(axis, "Pad");
        if (before < 0 || after < 0)
        {
            throw new ShapeException($"Pad: {before} zeros before and {after} after axis {axis} of shape {Shape}, neither can be negative");
        }

        Span<AxisRange> ranges = stackalloc AxisRange[Shape.Rank];
        for (int i = 0; i < ranges.Length; i++)
        {
            ranges[i] = new AxisRange(i == padded ? before : 0, Shape[i]);
        }

        var shape = Shape.With(padded, Shape[padded] + before + after);
        var window = Window(shape, ranges);
        var y = Engine.NewTensor(shape);
        Engine.Launch(new EmbedKernel(window, Buffer, y.Buffer));
        return Engine.Record(new PadGradient(window), y, [this]);
    }

    internal int AxisIndex(int axis, string operation)
    {
        int i = axis < 0 ? axis + Shape.Rank : axis;
        return i >= 0 && i < Shape.Rank ? i : throw new ShapeException($"{operation}: axis {axis} of shape {Shape}, which has {Shape.Rank} axes");
    }

    private static Shape LengthsOf(ReadOnlySpan<AxisRange> ranges)
    {
        Span<int> lengths = stackalloc int[ranges.Length];
        for (int i = 0; i < lengths.Length; i++)
        {
            lengths[i] = ranges[i].Length;
        }

        return new Shape(lengths);
    }

    private static StridedWindow Window(Shape large, ReadOnlySpan<AxisRange> ranges)
    {
        Span<int> extents = stackalloc int[ranges.Length], starts = stackalloc int[ranges.Length];
        Span<int> lengths = stackalloc int[ranges.Length], steps = stackalloc int[ranges.Length];
        for (int i = 0; i < ranges.Length; i++)
        {
            (extents[i], starts[i], lengths[i], steps[i]) = (large[i], ranges[i].Start, ranges[i].Length, ranges[i].Step);
        }

        return StridedWindow.Of(extents, starts, lengths, steps);
    }

    private sealed record SliceGradient(StridedWindow Window) : Op
    {
        public override string Name => "slice";

        public override SavedSet Saves(NeedMask need) => SavedSet.None;

        public override void Estimate(NeedMask need, BackwardEstimate estimate) =>
            estimate.Add(0, new EmbedKernel(Window, default, default, estimate.Accumulates(0)).Cost);

        public override void Backward(BackwardContext ctx)
        {
            if (ctx.TryGrad(0, out var dx))
            {
                ctx.Launch(new EmbedKernel(Window, ctx.GradOut, dx.Buffer, dx.Accumulate));
            }
        }
    }

    private sealed record PadGradient(StridedWindow Window) : Op
    {
        public override string Name => "pad";

        public override SavedSet Saves(NeedMask need) => SavedSet.None;

        public override void Estimate(NeedMask need, BackwardEstimate estimate) =>
            estimate.Add(0, new StridedCopyKernel(Window.Walk(), default, 0, default, 0, estimate.Accumulates(0)).Cost);

        public override void Backward(BackwardContext ctx)
        {
            if (ctx.TryGrad(0, out var dx))
            {
                ctx.Launch(new StridedCopyKernel(Window.Walk(), ctx.GradOut, Window.First, dx.Buffer, 0, dx.Accumulate));
            }
        }
    }
}
