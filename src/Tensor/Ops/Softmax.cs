using SmartFrz.Kernels;

namespace SmartFrz.Tensors;

public sealed partial class Tensor
{
    /// <summary>Computes e^x divided by its sum along the last axis.</summary>
    /// <remarks>
    /// Shapes:   any but a scalar.
    /// Gradient: y * (dy - sum of dy * y). Saves: y.
    /// Throws:   <see cref="ShapeException"/> for a scalar, and for a last axis of extent 0.
    /// </remarks>
    public Tensor Softmax() => Softmax<SoftmaxForm>();

    /// <summary>Computes the logarithm of softmax along the last axis, without losing digits to it.</summary>
    /// <remarks>
    /// Shapes:   any but a scalar.
    /// Gradient: dy - e^y * sum of dy. Saves: y.
    /// Throws:   <see cref="ShapeException"/> for a scalar, and for a last axis of extent 0.
    /// </remarks>
    public Tensor LogSoftmax() => Softmax<LogSoftmaxForm>();

    private Tensor Softmax<TForm>()
        where TForm : struct, ISoftmaxForm
    {
        RequireType(DType.F32, TForm.Name);
        if (Shape.Rank == 0 || Shape[-1] == 0)
        {
            throw new ShapeException($"{TForm.Name}: input {Shape} has no elements along its last axis, at least 1 is expected");
        }

        int columns = Shape[-1], rows = (int)(Shape.Count / columns);
        var y = Engine.NewTensor(Shape);
        Engine.Launch(new SoftmaxKernel<TForm>(rows, columns, Buffer, y.Buffer));
        return Engine.Record(new SoftmaxGradient<TForm>(rows, columns), y, [this]);
    }

    private sealed record SoftmaxGradient<TForm>(int Rows, int Columns) : Op
        where TForm : struct, ISoftmaxForm
    {
        public override string Name => TForm.Name;

        public override SavedSet Saves(NeedMask need) => SavedSet.Output;

        public override void Estimate(NeedMask need, BackwardEstimate estimate) =>
            estimate.Add(0, new SoftmaxGradKernel<TForm>(Rows, Columns, default, default, default, estimate.Accumulates(0)).Cost);

        public override void Backward(BackwardContext ctx)
        {
            if (ctx.TryGrad(0, out var dx))
            {
                ctx.Launch(new SoftmaxGradKernel<TForm>(Rows, Columns, ctx.GradOut, ctx.SavedOutput, dx.Buffer, dx.Accumulate));
            }
        }
    }
}
