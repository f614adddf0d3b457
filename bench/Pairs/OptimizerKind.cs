using SmartFrz.Kernels;
using SmartFrz.Kernels.Cpu;

namespace SmartFrz.Bench.Pairs;

/// <summary>The size of a parameter.</summary>
internal sealed record OptimizerSettings
{
    public int Elements { get; init; } = 1;
}

/// <summary>One update of a parameter by each optimizer; beside them the plain copy of as much memory, the measure of what moves.</summary>
internal sealed class OptimizerKind : WorkKind<OptimizerSettings>
{
    public override string Name => "optimizer";

    protected override Work Create(CpuDevice device, OptimizerSettings s) => new Optimizer(device, s);

    private sealed class Optimizer : KernelWork
    {
        public Optimizer(Device device, OptimizerSettings s)
            : base(device)
        {
            var (weight, gradient, first, second) = (Numbers(s.Elements), Numbers(s.Elements), Numbers(s.Elements), Of(new float[s.Elements]));

            // So small a rate that the weights of any number of repetitions stay numbers; then the gradients' scale and Adam's corrections.
            var block = Of(1e-9f, 1, 1, 1);
            Add("copy", new UnaryKernel<CopyOp>(default, weight, first, s.Elements));
            Add("sgd", new SgdKernel(new SgdConstants(Momentum: 0.9f, WeightDecay: 1e-4f, Nesterov: false, LearningRateFactor: 1), block, weight, gradient, first, s.Elements));
            Add("adamw", new AdamWKernel(new AdamWConstants(0.9, 0.999, 1e-8f, WeightDecay: 0.01f, LearningRateFactor: 1), block, 2, weight, gradient, first, second, s.Elements));
        }
    }
}
