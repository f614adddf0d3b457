using SmartFrz.Kernels;

namespace SmartFrz.Tensors;

public sealed partial class Tensor
{
    /// <summary>Computes max(x, 0) of each element.</summary>
    /// <remarks>Gradient: dy where y &gt; 0, else 0. Saves: y.</remarks>
    public Tensor Relu() => UnaryFromOutput<ReluOp, ReluGradOp>(default, default);

    /// <summary>Computes factor * x of each element.</summary>
    /// <remarks>Gradient: factor * dy. Saves: nothing.</remarks>
    public Tensor Scale(float factor)
    {
        var y = Unary(new ScaleOp(factor));
        return Engine.Record(new ScaleGradient(factor), y, [this]);
    }

    internal Tensor Unary<TOp>(TOp op)
        where TOp : unmanaged, IUnaryOp
    {
        RequireType(DType.F32, TOp.Name);
        var y = Engine.NewTensor(Shape);
        Engine.Launch(new UnaryKernel<TOp>(op, Buffer, y.Buffer, Shape.Count));
        return y;
    }

    /// <summary>An elementwise function whose derivative is written from its output: dx = g(dy, y).</summary>
    internal Tensor UnaryFromOutput<TOp, TGrad>(TOp op, TGrad gradient)
        where TOp : unmanaged, IUnaryOp
        where TGrad : unmanaged, IBinaryOp
        => Engine.Record(new UnaryGradient<TOp, TGrad>(gradient, FromOutput: true), Unary(op), [this]);

    /// <summary>An elementwise function whose derivative is written from its input: dx = g(dy, x).</summary>
    internal Tensor UnaryFromInput<TOp, TGrad>(TOp op, TGrad gradient)
        where TOp : unmanaged, IUnaryOp
        where TGrad : unmanaged, IBinaryOp
        => Engine.Record(new UnaryGradient<TOp, TGrad>(gradient, FromOutput: false), Unary(op), [this]);

    private sealed record UnaryGradient<TOp, TGrad>(TGrad Gradient, bool FromOutput) : Op
        where TOp : unmanaged, IUnaryOp
        where TGrad : unmanaged, IBinaryOp
    {
        public override string Name => TOp.Name;

        public override SavedSet Saves(NeedMask need) => FromOutput ? SavedSet.Output : SavedSet.Input(0);

        public override void Estimate(NeedMask need, BackwardEstimate estimate) =>
            estimate.Add(0, new BinaryKernel<TGrad>(Gradient, default, default, default, estimate.InputShape(0).Count, estimate.Accumulates(0)).Cost);

        public override void Backward(BackwardContext ctx)
        {
            if (ctx.TryGrad(0, out var dx))
            {
                var saved = FromOutput ? ctx.SavedOutput : ctx.Saved(0);
                ctx.Launch(new BinaryKernel<TGrad>(Gradient, ctx.GradOut, saved, dx.Buffer, ctx.InputShape(0).Count, dx.Accumulate));
            }
        }
    }

    private sealed record ScaleGradient(float Factor) : Op
    {
        public override string Name => ScaleOp.Name;

        public override SavedSet Saves(NeedMask need) => SavedSet.None;

        public override void Estimate(NeedMask need, BackwardEstimate estimate) =>
            estimate.Add(0, new UnaryKernel<ScaleOp>(default, default, default, estimate.InputShape(0).Count, estimate.Accumulates(0)).Cost);

        public override void Backward(BackwardContext ctx)
        {
            if (ctx.TryGrad(0, out var dx))
            {
                ctx.Launch(new UnaryKernel<ScaleOp>(new ScaleOp(Factor), ctx.GradOut, dx.Buffer, ctx.InputShape(0).Count, dx.Accumulate));
            }
        }
    }
}
