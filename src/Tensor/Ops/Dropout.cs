using SmartFrz.Kernels;
using SmartFrz.Kernels.Random;

namespace SmartFrz.Tensors;

public sealed partial class Tensor
{
    /// <summary>Sets each element to zero with a probability, and scales the others so that the expected value stays.</summary>
    /// <param name="probability">The share of elements that become zero, from 0 to below 1.</param>
    /// <param name="key">Whose random numbers decide: one key for each layer.</param>
    /// <param name="step">The number of the step, one I64: other steps have other zeros. Read by the kernel, so that it may change on the device.</param>
    /// <remarks>
    /// Computes: y = keep * x / (1 - probability), as <see cref="DropoutKernel"/> says.
    /// Gradient: dx = keep * dy / (1 - probability), with keep drawn again. Saves: the step's number, no mask.
    /// Throws:   <see cref="ArgumentException"/> when the probability is outside [0, 1) or the step is no single I64.
    /// Source:   Srivastava et al., "Dropout" (JMLR 2014), in the inverted form that PyTorch uses.
    /// </remarks>
    public Tensor Dropout(float probability, Philox key, Tensor step)
    {
        RequireType(DType.F32, "Dropout");
        RequireSameEngine(step, "Dropout");
        step.RequireType(DType.I64, "Dropout");
        if (probability is not (>= 0f and < 1f))
        {
            throw new ArgumentException(FormattableString.Invariant($"Dropout: the probability is {probability}, expected a number from 0 to below 1"));
        }

        if (step.Shape.Count != 1)
        {
            throw new ShapeException($"Dropout: the step has shape {step.Shape}, a single number is expected");
        }

        var y = Engine.NewTensor(Shape);
        Engine.Launch(new DropoutKernel(probability, key, step.Buffer, Buffer, y.Buffer, Shape.Count));
        return Engine.Record(new DropoutGradient(probability, key, Shape.Count), y, [this], [step]);
    }

    private sealed record DropoutGradient(float Probability, Philox Key, long Count) : Op
    {
        public override string Name => "dropout";

        public override SavedSet Saves(NeedMask need) => SavedSet.Extra(0);

        public override void Estimate(NeedMask need, BackwardEstimate estimate) =>
            estimate.Add(0, new DropoutKernel(Probability, Key, default, default, default, Count, estimate.Accumulates(0)).Cost);

        public override void Backward(BackwardContext ctx)
        {
            if (ctx.TryGrad(0, out var dx))
            {
                ctx.Launch(new DropoutKernel(Probability, Key, ctx.Extra(0), ctx.GradOut, dx.Buffer, Count, dx.Accumulate));
            }
        }
    }
}
