using SmartFrz.Kernels;
using SmartFrz.Kernels.Cpu;

namespace SmartFrz.Bench.Pairs;

/// <summary>The sizes of a batch normalisation and what is fused with it.</summary>
internal sealed record BatchNormSettings
{
    public int N { get; init; } = 1;

    public int C { get; init; } = 1;

    public int Plane { get; init; } = 1;

    public bool Residual { get; init; }
}

/// <summary>
/// Batch normalisation of a batch by its own statistics with the ReLU, and the residual if there is one: forward pass, and all gradients
/// together; beside them the plain copy of as much memory, the measure of what moves.
/// </summary>
internal sealed class BatchNormKind : WorkKind<BatchNormSettings>
{
    public override string Name => "batch_norm";

    protected override Work Create(CpuDevice device, BatchNormSettings s) => new BatchNorm(device, s);

    private sealed class BatchNorm : KernelWork
    {
        public BatchNorm(Device device, BatchNormSettings s)
            : base(device)
        {
            const float Eps = 1e-5f, Momentum = 0.1f;
            var shape = new BatchNormShape(s.N, s.C, s.Plane);
            var (x, y, dx, dy) = (Numbers(shape.Count), Numbers(shape.Count), Numbers(shape.Count), Numbers(shape.Count));
            var (gamma, beta, mean, rstd) = (Numbers(s.C), Numbers(s.C), Numbers(s.C), Numbers(s.C));
            var (runningMean, runningVariance, dgamma, dbeta) = (Numbers(s.C), Numbers(s.C), Numbers(s.C), Numbers(s.C));
            var residual = s.Residual ? Numbers(shape.Count) : default;
            var partials = Numbers(shape.PartialBytes / sizeof(float));
            var channels = new BatchNormChannels(gamma, beta, mean, rstd, Eps, SpreadIsVariance: false);
            var mask = s.Residual ? ReluMask.FromOutput : ReluMask.FromInput;
            Add("copy", new UnaryKernel<CopyOp>(default, x, y, shape.Count));

            var statistics = new BatchNormStatisticsKernel(shape, x, partials);
            var finish = new BatchNormFinishStatisticsKernel(shape, partials, mean, rstd, runningMean, runningVariance, Momentum, Eps);
            var normalise = new BatchNormForwardKernel(shape, x, channels, residual, s.Residual, Activation.Relu, y);
            Add("forward", statistics.Cost + finish.Cost + normalise.Cost, context =>
            {
                context.Launch(in statistics);
                context.Launch(in finish);
                context.Launch(in normalise);
            });

            var sums = new BatchNormSumsKernel(shape, dy, x, hasX: true, y, mask, channels, partials);
            var finishSums = new BatchNormFinishSumsKernel(shape, partials, channels, dbeta, dgamma);
            var input = new BatchNormInputGradKernel(shape, dy, x, y, mask, channels, dbeta, dgamma, training: true, dx, accumulate: false);
            var cost = sums.Cost + finishSums.Cost + input.Cost;

            // The residual's gradient is the output's where the ReLU let it through.
            var passed = new BinaryKernel<ReluGradOp>(default, dy, y, s.Residual ? Numbers(shape.Count) : dx, shape.Count);
            Add("backward", s.Residual ? cost + passed.Cost : cost, context =>
            {
                context.Launch(in sums);
                context.Launch(in finishSums);
                context.Launch(in input);
                if (s.Residual)
                {
                    context.Launch(in passed);
                }
            });
        }
    }
}
