using SmartFrz.Kernels;

namespace SmartFrz.Tensors.Verification;

/// <summary>Updates of AdamW, with and without decay, with a slot of its own in the step block.</summary>
internal sealed class AdamWCases : IKernelCases
{
    /// <inheritdoc/>
    public IEnumerable<KernelCase> Cases()
    {
        foreach (int count in new[] { 1, 37 })
        {
            yield return Update(count, 2, new AdamWConstants(0.9, 0.999, 1e-8f, 0f, 1f));
            yield return Update(count, 6, new AdamWConstants(0.8, 0.95, 1e-3f, 0.1f, 0.5f));
        }
    }

    private static KernelCase Update(int count, int slot, AdamWConstants constants) => new()
    {
        Name = $"adamw of {count} weights, slot {slot}, {constants}",
        Run = bench =>
        {
            var block = new float[slot + 2];
            (block[0], block[1], block[slot], block[slot + 1]) = (0.1f, 0.25f, 1.5f, 3f);
            var (weight, gradient, mean) = (bench.Uniform(count, 1), bench.Uniform(count, 2), bench.Uniform(count, 3));
            var square = bench.Upload([.. Enumerable.Range(1, count).Select(i => i / (float)count)]);
            var stepBlock = bench.Upload(block);
            for (int step = 0; step < 2; step++)
            {
                bench.Launch(new AdamWKernel(constants, stepBlock, slot, weight, gradient, mean, square, count));
            }

            return [.. bench.Read<float>(weight, count), .. bench.Read<float>(mean, count), .. bench.Read<float>(square, count)];
        },
        Reference = () => Reference(count, constants),
    };

    private static double[] Reference(int count, AdamWConstants constants)
    {
        var (w, gradient, m) = (KernelBench.Doubles(count, 1), KernelBench.Doubles(count, 2), KernelBench.Doubles(count, 3));
        double[] v = [.. Enumerable.Range(1, count).Select(i => i / (double)count)];
        double rate = 0.1 * constants.LearningRateFactor;
        for (int step = 0; step < 2; step++)
        {
            for (int i = 0; i < count; i++)
            {
                double g = 0.25 * gradient[i];
                w[i] -= rate * constants.WeightDecay * w[i];
                m[i] += (1 - constants.Beta1) * (g - m[i]);
                v[i] = (constants.Beta2 * v[i]) + ((1 - constants.Beta2) * g * g);
                w[i] -= rate * 1.5 * m[i] / ((Math.Sqrt(v[i]) * 3) + constants.Eps);
            }
        }

        return [.. w, .. m, .. v];
    }
}
