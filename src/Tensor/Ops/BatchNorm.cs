using SmartFrz.Kernels;

namespace SmartFrz.Tensors;

public sealed partial class Tensor
{
    /// <summary>Normalises each channel with the batch's own mean and variance, and moves the running statistics towards them.</summary>
    /// <param name="gamma">The factor of each channel.</param>
    /// <param name="beta">The term of each channel.</param>
    /// <param name="runningMean">Becomes (1 - momentum) * runningMean + momentum * mean.</param>
    /// <param name="runningVar">The same of the unbiased variance, which divides by M - 1.</param>
    /// <param name="momentum">How much of the batch's statistics the running ones take.</param>
    /// <param name="eps">What is added to the variance.</param>
    /// <param name="activation">What follows, in the same pass.</param>
    /// <param name="residual">What is added before that, in the same pass.</param>
    /// <remarks>
    /// Computes: y = relu((x - mean) / sqrt(variance + eps) * gamma + beta + residual), ReLU (or ReLU6) and residual optional; the variance divides by M.
    /// Shapes:   x, residual, y (N, C), (N, C, L) or (N, C, H, W); the others (C). M = N * H * W.
    /// Gradient: with g = dy where y &gt; 0 (and y &lt; 6 with ReLU6; all of dy without either): dbeta = the sum of g, dgamma = the sum of g * xhat,
    ///           dx = gamma * rstd * (g - dbeta / M - xhat * dgamma / M), dresidual = g (without a ReLU dy itself, shared).
    ///           One pass for the two sums serves dx, dgamma and dbeta.
    /// Saves:    x and the batch's statistics; y only with both a residual and a ReLU. With a ReLU alone y can be computed again.
    /// Throws:   <see cref="ShapeException"/> when the shapes do not fit, or M = 1: a single value has no variance.
    /// Source:   S. Ioffe, C. Szegedy, "Batch Normalization" (2015); PyTorch's BatchNorm2d.
    /// </remarks>
    public Tensor BatchNormTrain(
        Tensor gamma, Tensor beta, Tensor runningMean, Tensor runningVar, float momentum, float eps, Activation activation = Activation.None, Tensor? residual = null)
    {
        var shape = BatchNormShape("BatchNormTrain", gamma, beta, runningMean, runningVar, residual);
        if (shape.PerChannel == 1)
        {
            throw new ShapeException($"BatchNormTrain: input {Shape} has 1 value per channel, the variance of a batch takes at least 2");
        }

        var mean = Engine.NewStorage(shape.C * sizeof(float));
        var rstd = Engine.NewStorage(shape.C * sizeof(float));
        var partials = Engine.Context.Rent(shape.PartialBytes, BufferKind.Workspace);
        Engine.Launch(new BatchNormStatisticsKernel(shape, Buffer, partials));
        Engine.Launch(new BatchNormFinishStatisticsKernel(
            shape, partials, mean.Buffer, rstd.Buffer, runningMean.Buffer, runningVar.Buffer, momentum, eps));
        Engine.Context.Return(partials);
        var op = OpOf(shape, training: true, eps, activation, residual);
        var y = BatchNormForward(op, gamma, beta, mean, rstd, residual);
        mean.Release();
        rstd.Release();
        return y;
    }

    /// <summary>Normalises each channel with running statistics, which stay as they are.</summary>
    /// <param name="gamma">The factor of each channel.</param>
    /// <param name="beta">The term of each channel.</param>
    /// <param name="runningMean">The mean that is taken off.</param>
    /// <param name="runningVar">The variance.</param>
    /// <param name="eps">What is added to the variance.</param>
    /// <param name="activation">What follows, in the same pass.</param>
    /// <param name="residual">What is added before that, in the same pass.</param>
    /// <remarks>
    /// Computes: y = relu((x - runningMean) / sqrt(runningVar + eps) * gamma + beta + residual), ReLU (or ReLU6) and residual optional.
    /// Shapes:   x, residual, y (N, C), (N, C, L) or (N, C, H, W); the others (C).
    /// Gradient: with g as in <see cref="BatchNormTrain"/>: dx = gamma * rstd * g, and dgamma, dbeta, dresidual as there.
    /// Saves:    for dx nothing without a ReLU, y with one; x for dgamma alone.
    /// Throws:   <see cref="ShapeException"/> when the shapes do not fit.
    /// </remarks>
    public Tensor BatchNormEval(
        Tensor gamma, Tensor beta, Tensor runningMean, Tensor runningVar, float eps, Activation activation = Activation.None, Tensor? residual = null)
    {
        var shape = BatchNormShape("BatchNormEval", gamma, beta, runningMean, runningVar, residual);
        var op = OpOf(shape, training: false, eps, activation, residual);
        return BatchNormForward(op, gamma, beta, runningMean.Storage, runningVar.Storage, residual);
    }

    private BatchNormGradient OpOf(BatchNormShape shape, bool training, float eps, Activation activation, Tensor? residual) => Engine.OpOf(
        (shape, training, eps, activation, residual is not null),
        static k => new BatchNormGradient(k.shape, k.training, k.eps, k.activation, k.Item5),
        static op => (op.Shape, op.Training, op.Eps, op.Activation, op.HasResidual));

    private Tensor BatchNormForward(BatchNormGradient op, Tensor gamma, Tensor beta, Storage mean, Storage spread, Tensor? residual)
    {
        var y = Engine.NewTensor(Shape);
        var channels = op.Channels(gamma.Buffer, beta.Buffer, mean.Buffer, spread.Buffer);
        Engine.Launch(new BatchNormForwardKernel(op.Shape, Buffer, channels, residual?.Buffer ?? default, residual is not null, op.Activation, y.Buffer));
        return residual is null
            ? Engine.RecordWithMemory(op, y, [this, gamma, beta], [mean, spread])
            : Engine.RecordWithMemory(op, y, [this, gamma, beta, residual], [mean, spread]);
    }

    private BatchNormShape BatchNormShape(string operation, Tensor gamma, Tensor beta, Tensor runningMean, Tensor runningVar, Tensor? residual)
    {
        RequireType(DType.F32, operation);
        if (Shape.Rank is < 2 or > 4)
        {
            throw new ShapeException($"{operation}: input {Shape} has {Shape.Rank} axes, (N,C), (N,C,L) or (N,C,H,W) is expected");
        }

        int channels = Shape[1];
        RequireChannels(gamma, nameof(gamma));
        RequireChannels(beta, nameof(beta));
        RequireChannels(runningMean, nameof(runningMean));
        RequireChannels(runningVar, nameof(runningVar));
        if (residual is not null)
        {
            RequireSameEngine(residual, operation);
            residual.RequireType(DType.F32, operation);
            if (residual.Shape != Shape)
            {
                throw new ShapeException($"{operation}: the residual has shape {residual.Shape}, the input {Shape}");
            }
        }

        return new BatchNormShape(Shape[0], channels, (int)(Shape.Count / Math.Max(1, (long)Shape[0] * channels)));

        void RequireChannels(Tensor operand, string name)
        {
            RequireSameEngine(operand, operation);
            operand.RequireType(DType.F32, operation);
            if (operand.Shape.Rank != 1 || operand.Shape[0] != channels)
            {
                throw new ShapeException($"{operation}: input {Shape} has {channels} channels, {name} {operand.Shape} expects {operand.Shape.Count}");
            }
        }
    }

    private sealed record BatchNormGradient(BatchNormShape Shape, bool Training, float Eps, Activation Activation, bool HasResidual) : Op
    {
        private const int X = 0, Gamma = 1, Beta = 2, Residual = 3, Mean = 0, Spread = 1;

        public override string Name => Training ? "batch_norm" : "batch_norm_eval";

        // Training reads x anyway, so the sign is worked out again, and y need not be kept for it.
        private ReluMask Mask => (Activation, Training && !HasResidual) switch
        {
            (Activation.Relu, true) => ReluMask.FromInput,
            (Activation.Relu, false) => ReluMask.FromOutput,
            (Activation.Relu6, true) => ReluMask.SixFromInput,
            (Activation.Relu6, false) => ReluMask.SixFromOutput,
            _ => ReluMask.None,
        };

        private bool MaskReadsInput => Mask is ReluMask.FromInput or ReluMask.SixFromInput;

        public BatchNormChannels Channels(DeviceBuffer gamma, DeviceBuffer beta, DeviceBuffer mean, DeviceBuffer spread) =>
            new(gamma, beta, mean, spread, Eps, SpreadIsVariance: !Training);

        public override SavedSet Saves(NeedMask need)
        {
            bool dx = need.Has(X), reads = ReadsInput(need);
            bool masks = MaskReadsInput && HasOwn(need);
            var saves = SavedSet.Input(X, reads) | SavedSet.Input(Gamma, dx || masks) | SavedSet.Input(Beta, masks)
                | SavedSet.Extra(Mean, reads) | SavedSet.Extra(Spread, reads || dx);
            return Mask is ReluMask.FromOutput or ReluMask.SixFromOutput ? saves | SavedSet.Output : saves;
        }

        public override bool PassesGradient(int input) => input == Residual && Activation == Activation.None;

        // The mask's way from the input needs all that the forward pass used.
        public override bool RebuildsOutput(NeedMask need) => MaskReadsInput && HasOwn(need);

        public override KernelCost RebuildCost =>
            new BatchNormForwardKernel(Shape, default, default, default, false, Activation, default).Cost;

        public override void Rebuild(BackwardContext ctx, DeviceBuffer output) =>
            ctx.Launch(new BatchNormForwardKernel(
                Shape, ctx.Saved(X), Channels(ctx.Saved(Gamma), ctx.Saved(Beta), ctx.Extra(Mean), ctx.Extra(Spread)), default, false, Activation, output));

        public override Op WhenFrozen => Training ? new BatchNormGradient(Shape, Training: false, Eps, Activation, HasResidual) : this;

        public override LaunchTotals TrainingForward
        {
            get
            {
                if (!Training)
                {
                    return default;
                }

                var cost = new BatchNormStatisticsKernel(Shape, default, default).Cost
                    + new BatchNormFinishStatisticsKernel(Shape, default, default, default, default, default, momentum: 0, Eps).Cost;
                return new LaunchTotals(2, cost.Flops, cost.Bytes, 0);
            }
        }

        public override void Estimate(NeedMask need, BackwardEstimate estimate)
        {
            if (need.Has(Residual))
            {
                // ReLU6's kernel costs the same.
                estimate.Add(Residual, new BinaryKernel<ReluGradOp>(default, default, default, default, Shape.Count, estimate.Accumulates(Residual)).Cost);
            }

            if (NeedsSums(need))
            {
                estimate.AddShared(Sums(need, default, default, default, default, default).Cost);
                estimate.AddShared(new BatchNormFinishSumsKernel(Shape, default, default, default, default).Cost);
            }

            estimate.Add(Gamma, new UnaryKernel<BatchNormGammaGradOp>(default, default, default, Shape.C, estimate.Accumulates(Gamma)).Cost);
            estimate.Add(Beta, new UnaryKernel<BatchNormBetaGradOp>(default, default, default, Shape.C, estimate.Accumulates(Beta)).Cost);
            estimate.Add(
                X,
                new BatchNormInputGradKernel(
                    Shape, default, default, default, Mask, default, default, default, Training, default, estimate.Accumulates(X)).Cost);
        }

        public override void Backward(BackwardContext ctx)
        {
            if (HasResidual && ctx.TryGrad(Residual, out var dr))
            {
                if (Activation == Activation.Relu6)
                {
                    ctx.Launch(new BinaryKernel<Relu6GradOp>(default, ctx.GradOut, ctx.SavedOutput, dr.Buffer, Shape.Count, dr.Accumulate));
                }
                else
                {
                    ctx.Launch(new BinaryKernel<ReluGradOp>(default, ctx.GradOut, ctx.SavedOutput, dr.Buffer, Shape.Count, dr.Accumulate));
                }
            }

            var saves = Saves(ctx.Need);
            var channels = Channels(
                saves.HasInput(Gamma) ? ctx.Saved(Gamma) : default,
                saves.HasInput(Beta) ? ctx.Saved(Beta) : default,
                saves.HasExtra(Mean) ? ctx.Extra(Mean) : default,
                saves.HasExtra(Spread) ? ctx.Extra(Spread) : default);
            var x = saves.HasInput(X) ? ctx.Saved(X) : default;
            var y = saves.HasOutput ? ctx.SavedOutput : default;
            DeviceBuffer sums = default, products = default;
            if (NeedsSums(ctx.Need))
            {
                sums = ctx.Workspace(Shape.C * sizeof(float));
                products = ctx.Workspace(Shape.C * sizeof(float));
                var partials = ctx.Workspace(Shape.PartialBytes);
                ctx.BeginShared();
                ctx.Launch(Sums(ctx.Need, ctx.GradOut, x, y, channels, partials));
                ctx.Launch(new BatchNormFinishSumsKernel(Shape, partials, channels, sums, products));
            }

            if (ctx.TryGrad(Gamma, out var dgamma))
            {
                ctx.Launch(new UnaryKernel<BatchNormGammaGradOp>(default, products, dgamma.Buffer, Shape.C, dgamma.Accumulate));
            }

            if (ctx.TryGrad(Beta, out var dbeta))
            {
                ctx.Launch(new UnaryKernel<BatchNormBetaGradOp>(default, sums, dbeta.Buffer, Shape.C, dbeta.Accumulate));
            }

            if (ctx.TryGrad(X, out var dx))
            {
                ctx.Launch(new BatchNormInputGradKernel(
                    Shape, ctx.GradOut, x, y, Mask, channels, sums, products, Training, dx.Buffer, dx.Accumulate));
            }
        }

        // Something of the normalisation itself, not of the residual alone.
        private static bool HasOwn(NeedMask need) => need.Has(X) || need.Has(Gamma) || need.Has(Beta);

        private bool NeedsSums(NeedMask need) => need.Has(Gamma) || need.Has(Beta) || (Training && need.Has(X));

        private bool ReadsInput(NeedMask need) =>
            need.Has(Gamma) || (Training && need.Has(X)) || (MaskReadsInput && HasOwn(need));

        private BatchNormSumsKernel Sums(
            NeedMask need, DeviceBuffer dy, DeviceBuffer x, DeviceBuffer y, BatchNormChannels channels, DeviceBuffer partials) =>
            new(Shape, dy, x, ReadsInput(need), y, Mask, channels, partials);
    }
}
