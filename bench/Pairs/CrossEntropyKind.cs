using SmartFrz.Kernels;
using SmartFrz.Kernels.Cpu;

namespace SmartFrz.Bench.Pairs;

/// <summary>The sizes of a classification's logits.</summary>
internal sealed record CrossEntropySettings
{
    public int Rows { get; init; } = 1;

    public int Classes { get; init; } = 2;
}

/// <summary>Softmax cross-entropy: forward pass and gradient; beside them the plain copy of as much memory, the measure of what moves.</summary>
internal sealed class CrossEntropyKind : WorkKind<CrossEntropySettings>
{
    public override string Name => "cross_entropy";

    protected override Work Create(CpuDevice device, CrossEntropySettings s) => new CrossEntropy(device, s);

    private sealed class CrossEntropy : KernelWork
    {
        public CrossEntropy(Device device, CrossEntropySettings s)
            : base(device)
        {
            var shape = new CrossEntropyShape(s.Rows, s.Classes, Smoothing: 0);
            var (logits, dx) = (Numbers(shape.Count), Numbers(shape.Count));
            var (losses, logSums, mean, dy) = (Numbers(s.Rows), Numbers(s.Rows), Numbers(1), Numbers(1));
            var targets = Integers([.. Enumerable.Range(0, s.Rows).Select(n => n % s.Classes)]);
            Add("copy", new UnaryKernel<CopyOp>(default, logits, dx, shape.Count));

            var rows = new CrossEntropyForward(shape, logits, targets, losses, logSums);
            var average = new MeanLossKernel(losses, mean, s.Rows);
            Add("forward", rows.Cost + average.Cost, context =>
            {
                context.Launch(in rows);
                context.Launch(in average);
            });
            Add("backward", new CrossEntropyBackward(shape, dy, logits, targets, logSums, dx, accumulate: false));
        }
    }
}
