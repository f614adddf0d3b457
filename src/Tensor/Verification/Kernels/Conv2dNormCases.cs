using System.Globalization;
using SmartFrz.Kernels;

namespace SmartFrz.Tensors.Verification;

/// <summary>Convolutions with the batch normalisation, residual and ReLU of a layer that does not learn.</summary>
internal sealed class Conv2dNormCases : IKernelCases
{
    private const float Eps = 1e-5f;

    /// <inheritdoc/>
    public IEnumerable<KernelCase> Cases()
    {
        foreach (var (residual, activation) in new[] { (false, Activation.None), (false, Activation.Relu), (true, Activation.None), (true, Activation.Relu) })
        {
            yield return Case(new Conv2dShape(2, 3, 5, 7, 4, 3, 3, 1, 1, 1, 1, 1, 1, 1), bias: false, residual, activation);

            // Depthwise: rows of sums along pixels, with and without a rest.
            yield return Case(new Conv2dShape(2, 3, 6, 13, 3, 3, 3, 1, 1, 1, 1, 1, 1, 3), bias: false, residual, activation);

            // More source channels than are summed at once: residual and ReLU each belong to one of the rounds. Rows as wide as registers.
            yield return Case(new Conv2dShape(1, 41, 4, 16, 13, 3, 3, 1, 1, 1, 1, 1, 1, 1), bias: true, residual, activation);
        }

        yield return Case(new Conv2dShape(1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 1), bias: true, residual: true, Activation.Relu);
        yield return Case(new Conv2dShape(3, 5, 9, 8, 7, 3, 3, 2, 2, 1, 1, 1, 1, 1), bias: false, residual: true, Activation.Relu);
        yield return Case(new Conv2dShape(2, 6, 8, 8, 8, 3, 3, 1, 1, 2, 2, 2, 2, 2), bias: false, residual: false, Activation.Relu);
        yield return Case(new Conv2dShape(2, 17, 6, 6, 33, 1, 1, 1, 1, 0, 0, 1, 1, 1), bias: false, residual: false, Activation.Relu);

        // By rows and along pixels, and in rounds.
        yield return Case(new Conv2dShape(2, 17, 5, 7, 9, 3, 3, 1, 1, 1, 1, 1, 1, 1), bias: false, residual: false, Activation.Relu6);
        yield return Case(new Conv2dShape(2, 3, 6, 13, 3, 3, 3, 1, 1, 1, 1, 1, 1, 3), bias: false, residual: true, Activation.Relu6);
        yield return Case(new Conv2dShape(1, 41, 4, 16, 13, 3, 3, 1, 1, 1, 1, 1, 1, 1), bias: true, residual: true, Activation.Relu6);

        // Channels in the lanes, with some over; patches.
        yield return Case(new Conv2dShape(2, 19, 5, 6, 19, 3, 3, 2, 2, 1, 1, 1, 1, 19), bias: false, residual: true, Activation.Relu6);
        yield return Case(new Conv2dShape(2, 16, 6, 9, 5, 2, 2, 2, 2, 0, 0, 1, 1, 1), bias: true, residual: true, Activation.Relu);

        // Small images behind one another.
        yield return Case(new Conv2dShape(9, 40, 3, 3, 5, 3, 3, 1, 1, 1, 1, 1, 1, 1), bias: false, residual: true, Activation.Relu);
    }

    private static KernelCase Case(Conv2dShape s, bool bias, bool residual, Activation activation)
    {
        int x = (int)s.InputCount, w = (int)s.WeightCount, y = (int)s.OutputCount;
        string sizes = string.Create(
            CultureInfo.InvariantCulture, $"({s.N},{s.C},{s.H},{s.W}) k{s.K} {s.R}x{s.S}{(s.StrideH > 1 ? " s2" : "")}{(s.DilationH > 1 ? " d2" : "")}{(s.Groups > 1 ? $" g{s.Groups}" : "")}");
        return new KernelCase
        {
            Name = $"conv2d.norm {sizes}{(bias ? " bias" : "")}{(residual ? " + residual" : "")}{BatchNormCases.Name(activation)}",
            Run = bench =>
            {
                var output = bench.Output(y);
                var channels = new BatchNormChannels(
                    bench.Upload(Factors(s.K, activation)), bench.Uniform(s.K, 4), bench.Uniform(s.K, 5), bench.Upload(Variances(s.K)), Eps, SpreadIsVariance: true);
                bench.Launch(new Conv2dNormForward(
                    s, bench.Uniform(x, 1), bench.Uniform(w, 2), bias ? bench.Uniform(s.K, 7) : default, channels, residual ? bench.Uniform(y, 6) : default, activation, output));
                return bench.Read<float>(output, y);
            },
            Reference = () => Reference(s, bias, residual, activation),
        };
    }

    // Large enough for ReLU6 to cut off above too.
    private static float[] Factors(int count, Activation activation) =>
        Array.ConvertAll(KernelBench.Numbers(count, 3), v => activation == Activation.Relu6 ? 8 * v : v);

    // 0.5 and more: far from where rounding of the root would matter.
    private static float[] Variances(int count) => Array.ConvertAll(KernelBench.Numbers(count, 8), v => 1.5f + v);

    private static double[] Reference(Conv2dShape s, bool bias, bool residual, Activation activation)
    {
        var y = Conv2dCases.Reference(
            s, KernelBench.Doubles((int)s.InputCount, 1), KernelBench.Doubles((int)s.WeightCount, 2), bias ? KernelBench.Doubles(s.K, 7) : new double[s.K]);
        float[] gamma = Factors(s.K, activation);
        double[] beta = KernelBench.Doubles(s.K, 4), mean = KernelBench.Doubles(s.K, 5), other = KernelBench.Doubles(y.Length, 6);
        float[] variance = Variances(s.K);
        for (int i = 0; i < y.Length; i++)
        {
            int k = i / (s.P * s.Q) % s.K;
            double v = ((y[i] - mean[k]) / Math.Sqrt((double)variance[k] + Eps) * gamma[k]) + beta[k] + (residual ? other[i] : 0);
            y[i] = BatchNormCases.Activated(v, activation);
        }

        return y;
    }
}
