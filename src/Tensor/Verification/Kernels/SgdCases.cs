using SmartFrz.Kernels;

namespace SmartFrz.Tensors.Verification;

/// <summary>Updates of stochastic gradient descent: plain, with momentum, Nesterov, weight decay.</summary>
internal sealed class SgdCases : IKernelCases
{
    /// <inheritdoc/>
    public IEnumerable<KernelCase> Cases()
    {
        foreach (int count in new[] { 1, 37 })
        {
            yield return Update(count, new SgdConstants(0f, 0.01f, false, 1f));
            yield return Update(count, new SgdConstants(0.9f, 0f, false, 0.5f));
            yield return Update(count, new SgdConstants(0.9f, 0.01f, true, 1f));
        }
    }

    private static KernelCase Update(int count, SgdConstants constants) => new()
    {
        Name = $"sgd of {count} weights, {constants}",
        Run = bench =>
        {
            var (weight, gradient, block) = (bench.Uniform(count, 1), bench.Uniform(count, 2), bench.Upload(0.1f, 0.25f));
            var momentum = constants.Momentum == 0 ? default : bench.Uniform(count, 3);
            for (int step = 0; step < 2; step++)
            {
                bench.Launch(new SgdKernel(constants, block, weight, gradient, momentum, count));
            }

            return [.. bench.Read<float>(weight, count), .. momentum.IsNull ? [] : bench.Read<float>(momentum, count)];
        },
        Reference = () => Reference(count, constants),
    };

    private static double[] Reference(int count, SgdConstants constants)
    {
        var (w, gradient, m) = (KernelBench.Doubles(count, 1), KernelBench.Doubles(count, 2), KernelBench.Doubles(count, 3));
        for (int step = 0; step < 2; step++)
        {
            for (int i = 0; i < count; i++)
            {
                double g = (0.25 * gradient[i]) + (constants.WeightDecay * w[i]);
                m[i] = (constants.Momentum * m[i]) + g;
                w[i] -= 0.1 * constants.LearningRateFactor * (constants.Nesterov ? g + (constants.Momentum * m[i]) : m[i]);
            }
        }

        return [.. w, .. constants.Momentum == 0 ? [] : m];
    }
}
