using SmartFrz.Kernels;

namespace SmartFrz.Tensors;

public sealed partial class Tensor
{
    /// <summary>Computes a + b, element by element.</summary>
    /// <remarks>
    /// Shapes:   a, b of the same shape, or broadcast: shapes are aligned at their last axes, and an axis that one operand lacks or
    ///           has with extent 1 is repeated (a bias (C) with (N,C), (C,1,1) with (N,C,H,W)).
    /// Gradient: of an operand that is not repeated dy, without a launch: the buffer is shared; of a repeated one the sum of dy over
    ///           the repeated axes. Saves: nothing.
    /// Throws:   <see cref="ShapeException"/> when the shapes do not fit.
    /// </remarks>
    public Tensor Add(Tensor other)
    {
        var y = Broadcast(default(AddOp), other);
        return Engine.Record(AddGradient.Of(1f, Shape.Count == y.Shape.Count, other.Shape.Count == y.Shape.Count), y, [this, other]);
    }

    /// <summary>Computes a - b, element by element.</summary>
    /// <remarks>
    /// Shapes:   as for <see cref="Add"/>.
    /// Gradient: of a as for <see cref="Add"/>; of b -dy, summed over repeated axes. Saves: nothing.
    /// Throws:   <see cref="ShapeException"/> when the shapes do not fit.
    /// </remarks>
    public Tensor Sub(Tensor other)
    {
        var y = Broadcast(default(SubOp), other);
        return Engine.Record(AddGradient.Of(-1f, Shape.Count == y.Shape.Count, false), y, [this, other]);
    }

    /// <summary>The gradient of a + sign * b.</summary>
    private sealed record AddGradient : Op
    {
        private static readonly AddGradient[] Instances = [.. Enumerable.Range(0, 8).Select(i => new AddGradient(i))];

        private readonly float _sign;
        private readonly bool _passesA, _passesB;

        private AddGradient(int kind) => (_sign, _passesA, _passesB) = ((kind & 4) == 0 ? 1f : -1f, (kind & 2) != 0, (kind & 1) != 0);

        public override string Name => _sign > 0 ? AddOp.Name : SubOp.Name;

        public static AddGradient Of(float sign, bool passesA, bool passesB) => Instances[(sign > 0 ? 0 : 4) + (passesA ? 2 : 0) + (passesB ? 1 : 0)];

        public override SavedSet Saves(NeedMask need) => SavedSet.None;

        public override bool PassesGradient(int input) => input == 0 ? _passesA : _passesB;

        public override void Estimate(NeedMask need, BackwardEstimate estimate)
        {
            var shape = BroadcastShape(estimate.InputShape(0), estimate.InputShape(1), Name);
            for (int input = 0; input < 2; input++)
            {
                if (!need.Has(input))
                {
                    continue;
                }

                if (estimate.InputShape(input).Count == shape.Count)
                {
                    estimate.Add(input, new UnaryKernel<ScaleOp>(default, default, default, shape.Count, estimate.Accumulates(input)).Cost);
                }
                else
                {
                    Summation.Estimate<SumOp>(estimate, input, RepeatedAxes(shape, estimate.InputShape(input)));
                }
            }
        }

        public override void Backward(BackwardContext ctx)
        {
            for (int input = 0; input < 2; input++)
            {
                if (!ctx.TryGrad(input, out var target))
                {
                    continue;
                }

                float factor = input == 0 ? 1f : _sign;
                if (ctx.InputShape(input).Count == ctx.OutputShape.Count)
                {
                    ctx.Launch(new UnaryKernel<ScaleOp>(new ScaleOp(factor), ctx.GradOut, target.Buffer, ctx.OutputShape.Count, target.Accumulate));
                }
                else
                {
                    Summation.Launch<SumOp>(ctx.Engine.Context, RepeatedAxes(ctx.OutputShape, ctx.InputShape(input)), factor, ctx.GradOut, target);
                }
            }
        }
    }
}
