using SmartFrz.Kernels;

namespace SmartFrz.Tensors;

public sealed partial class Tensor
{
    // The tape's masks have room for that many operands.
    private const int MaxConcat = 15;

    /// <summary>The tensors one behind the other along an axis.</summary>
    /// <remarks>
    /// Shapes:   equal but for the extent of that axis.
    /// Gradient: of each tensor its part of dy. Saves: nothing.
    /// Throws:   <see cref="ShapeException"/> when the other extents differ; <see cref="ArgumentException"/> for none or more than 15 tensors.
    /// </remarks>
    public static Tensor Concat(int axis, params ReadOnlySpan<Tensor> parts)
    {
        if (parts.Length is 0 or > MaxConcat)
        {
            throw new ArgumentException($"Concat: {parts.Length} tensors, between 1 and {MaxConcat} are expected");
        }

        var first = parts[0];
        int at = first.AxisIndex(axis, "Concat"), extent = 0;
        foreach (var part in parts)
        {
            first.RequireSameEngine(part, "Concat");
            part.RequireType(DType.F32, "Concat");
            if (part.Shape.Rank != first.Shape.Rank || part.Shape.With(at, 0) != first.Shape.With(at, 0))
            {
                throw new ShapeException($"Concat: shapes {first.Shape} and {part.Shape} differ in more than axis {axis}");
            }

            extent += part.Shape[at];
        }

        var shape = first.Shape.With(at, extent);
        var y = first.Engine.NewTensor(shape);
        int start = 0;
        foreach (var part in parts)
        {
            var window = PartOf(shape, part.Shape, at, start);
            var walk = window.Walk();
            (walk.First, walk.Second) = (walk.Second, walk.First);
            first.Engine.Launch(new StridedCopyKernel(walk, part.Buffer, 0, y.Buffer, window.First));
            start += part.Shape[at];
        }

        return first.Engine.Record(new ConcatGradient(at, shape, parts.Length), y, parts!);
    }

    private static StridedWindow PartOf(Shape whole, Shape part, int axis, int start)
    {
        Span<AxisRange> ranges = stackalloc AxisRange[whole.Rank];
        for (int i = 0; i < ranges.Length; i++)
        {
            ranges[i] = new AxisRange(i == axis ? start : 0, part[i]);
        }

        return Window(whole, ranges);
    }

    private sealed record ConcatGradient(int Axis, Shape Whole, int Parts) : Op
    {
        public override string Name => "concat";

        public override SavedSet Saves(NeedMask need) => SavedSet.None;

        public override void Estimate(NeedMask need, BackwardEstimate estimate)
        {
            for (int part = 0; part < Parts; part++)
            {
                if (need.Has(part))
                {
                    var walk = PartOf(Whole, estimate.InputShape(part), Axis, 0).Walk();
                    estimate.Add(part, new StridedCopyKernel(walk, default, 0, default, 0, estimate.Accumulates(part)).Cost);
                }
            }
        }

        public override void Backward(BackwardContext ctx)
        {
            int start = 0;
            for (int part = 0; part < Parts; part++)
            {
                if (ctx.TryGrad(part, out var dx))
                {
                    var window = PartOf(Whole, ctx.InputShape(part), Axis, start);
                    ctx.Launch(new StridedCopyKernel(window.Walk(), ctx.GradOut, window.First, dx.Buffer, 0, dx.Accumulate));
                }

                start += ctx.InputShape(part)[Axis];
            }
        }
    }
}
