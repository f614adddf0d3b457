using SmartFrz.Kernels;

namespace SmartFrz.Tensors;

public sealed partial class Tensor
{
    /// <summary>Normalises each row along the last axis with its own mean and variance.</summary>
    /// <param name="gamma">The factor of each column.</param>
    /// <param name="beta">The term of each column.</param>
    /// <param name="eps">What is added to the variance.</param>
    /// <remarks>
    /// Computes: y = (x - mean) * rstd * gamma + beta, rstd = 1 / sqrt(variance + eps); the variance divides by D.
    /// Shapes:   x, y (..., D); gamma, beta (D).
    /// Gradient: with g = dy * gamma and xhat = (x - mean) * rstd: dx = rstd * (g - the mean of g - xhat * the mean of g * xhat), means along
    ///           the last axis; dgamma = the sum of dy * xhat over the other axes, dbeta = the sum of dy; one pass for these two.
    /// Saves:    x and the rows' statistics for dx and dgamma, gamma for dx; nothing for dbeta.
    /// Throws:   <see cref="ShapeException"/> for a scalar, a last axis of extent 0, and when gamma or beta does not fit.
    /// Source:   J. L. Ba, J. R. Kiros, G. E. Hinton, "Layer Normalization" (2016); PyTorch's LayerNorm.
    /// </remarks>
    public Tensor LayerNorm(Tensor gamma, Tensor beta, float eps = 1e-5f)
    {
        RequireType(DType.F32, "LayerNorm");
        if (Shape.Rank == 0 || Shape[-1] == 0)
        {
            throw new ShapeException($"LayerNorm: input {Shape} has no elements along its last axis, at least 1 is expected");
        }

        int columns = Shape[-1];
        RequireColumns(gamma, nameof(gamma));
        RequireColumns(beta, nameof(beta));
        var shape = new LayerNormShape(checked((int)(Shape.Count / columns)), columns, eps);
        var y = Engine.NewTensor(Shape);
        var mean = Engine.NewStorage(shape.Rows * (long)sizeof(float));
        var rstd = Engine.NewStorage(shape.Rows * (long)sizeof(float));
        Engine.Launch(new LayerNormKernel(shape, Buffer, gamma.Buffer, beta.Buffer, y.Buffer, mean.Buffer, rstd.Buffer));
        Engine.RecordWithMemory(
            Engine.OpOf(shape, static s => new LayerNormGradient(s), static op => op.Sizes), y, [this, gamma, beta], [mean, rstd]);
        mean.Release();
        rstd.Release();
        return y;

        void RequireColumns(Tensor operand, string name)
        {
            RequireSameEngine(operand, "LayerNorm");
            operand.RequireType(DType.F32, "LayerNorm");
            if (operand.Shape.Rank != 1 || operand.Shape[0] != columns)
            {
                throw new ShapeException($"LayerNorm: input {Shape} has {columns} columns, {name} {operand.Shape} expects {operand.Shape.Count}");
            }
        }
    }

    private sealed record LayerNormGradient(LayerNormShape Sizes) : Op
    {
        private const int X = 0, Gamma = 1, Beta = 2, Mean = 0, Rstd = 1;

        public override string Name => LayerNormKernel.Name;

        public override SavedSet Saves(NeedMask need)
        {
            bool reads = need.Has(X) || need.Has(Gamma);
            return SavedSet.Input(X, reads) | SavedSet.Input(Gamma, need.Has(X)) | SavedSet.Extra(Mean, reads) | SavedSet.Extra(Rstd, reads);
        }

        public override void Estimate(NeedMask need, BackwardEstimate estimate)
        {
            if (need.Has(Gamma) || need.Has(Beta))
            {
                estimate.Add(
                    First(need),
                    new LayerNormParameterGradKernel(Sizes, need.Has(Gamma), need.Has(Beta), estimate.Accumulates(Gamma), estimate.Accumulates(Beta)).Cost);
            }

            estimate.Add(X, new LayerNormInputGradKernel(Sizes, default, default, default, default, default, default, estimate.Accumulates(X)).Cost);
        }

        public override void Backward(BackwardContext ctx)
        {
            var need = ctx.Need;
            bool reads = need.Has(X) || need.Has(Gamma);
            var x = reads ? ctx.Saved(X) : default;
            var mean = reads ? ctx.Extra(Mean) : default;
            var rstd = reads ? ctx.Extra(Rstd) : default;
            if (need.Has(Gamma) || need.Has(Beta))
            {
                // The one that the launch is booked on comes last.
                ctx.TryGrad(Beta, out var dbeta);
                ctx.TryGrad(Gamma, out var dgamma);
                ctx.Launch(new LayerNormParameterGradKernel(
                    Sizes,
                    need.Has(Gamma),
                    need.Has(Beta),
                    dgamma.Accumulate,
                    dbeta.Accumulate,
                    ctx.GradOut,
                    x,
                    mean,
                    rstd,
                    ctx.Workspace(Sizes.PartialBytes),
                    dgamma.Buffer,
                    dbeta.Buffer));
            }

            if (ctx.TryGrad(X, out var dx))
            {
                ctx.Launch(new LayerNormInputGradKernel(Sizes, ctx.GradOut, x, ctx.Saved(Gamma), mean, rstd, dx.Buffer, dx.Accumulate));
            }
        }

        // The gradient that the common launch of the parameters is booked on.
        private static int First(NeedMask need) => need.Has(Gamma) ? Gamma : Beta;
    }
}
