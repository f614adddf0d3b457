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
        foreach (var (residual, relu) in new[] { (false, false), (false, true), (true, false), (true, true) })
        {
            yield return Case(new Conv2dShape(2, 3, 5, 7, 4, 3, 3, 1, 1, 1, 1, 1, 1, 1), bias: false, residual, relu);

            // Depthwise: rows of sums along pixels, with and without a rest.
            yield return Case(new Conv2dShape(2, 3, 6, 13, 3, 3, 3, 1, 1, 1, 1, 1, 1, 3), bias: false, residual, relu);

            // More source channels than are summed at once: residual and ReLU each belong to one of the rounds. Rows as wide as registers.
            yield return Case(new Conv2dShape(1, 41, 4, 16, 13, 3, 3, 1, 1, 1, 1, 1, 1, 1), bias: true, residual, relu);
        }

        yield return Case(new Conv2dShape(1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 1), bias: true, residual: true, relu: true);
        yield return Case(new Conv2dShape(3, 5, 9, 8, 7, 3, 3, 2, 2, 1, 1, 1, 1, 1), bias: false, residual: true, relu: true);
        yield return Case(new Conv2dShape(2, 6, 8, 8, 8, 3, 3, 1, 1, 2, 2, 2, 2, 2), bias: false, residual: false, relu: true);
        yield return Case(new Conv2dShape(2, 17, 6, 6, 33, 1, 1, 1, 1, 0, 0, 1, 1, 1), bias: false, residual: false, relu: true);

        // Small images behind one another.
        yield return Case(new Conv2dShape(9, 40, 3, 3, 5, 3, 3, 1, 1, 1, 1, 1, 1, 1), bias: false, residual: true, relu: true);
    }

    private static KernelCase Case(Conv2dShape s, bool bias, bool residual, bool relu)
    {
        int x = (int)s.InputCount, w = (int)s.WeightCount, y = (int)s.OutputCount;
        string sizes = string.Create(
            CultureInfo.InvariantCulture, $"({s.N},{s.C},{s.H},{s.W}) k{s.K} {s.R}x{s.S}{(s.StrideH > 1 ? " s2" : "")}{(s.DilationH > 1 ? " d2" : "")}{(s.Groups > 1 ? $" g{s.Groups}" : "")}");
        return new KernelCase
        {
            Name = $"conv2d.norm {sizes}{(bias ? " bias" : "")}{(residual ? " + residual" : "")}{(relu ? " + relu" : "")}",
            Run = bench =>
            {
                var output = bench.Output(y);
                var channels = new BatchNormChannels(
                    bench.Uniform(s.K, 3), bench.Uniform(s.K, 4), bench.Uniform(s.K, 5), bench.Upload(Variances(s.K)), Eps, SpreadIsVariance: true);
                bench.Launch(new Conv2dNormForward(
                    s, bench.Uniform(x, 1), bench.Uniform(w, 2), bias ? bench.Uniform(s.K, 7) : default, channels, residual ? bench.Uniform(y, 6) : default, relu, output));
                return bench.Read<float>(output, y);
            },
            Reference = () => Reference(s, bias, residual, relu),
        };
    }

    // 0.5 and more: far from where rounding of the root would matter.
    private static float[] Variances(int count) => Array.ConvertAll(KernelBench.Numbers(count, 8), v => 1.5f + v);

    private static double[] Reference(Conv2dShape s, bool bias, bool residual, bool relu)
    {
        var y = Conv2dCases.Reference(
            s, KernelBench.Doubles((int)s.InputCount, 1), KernelBench.Doubles((int)s.WeightCount, 2), bias ? KernelBench.Doubles(s.K, 7) : new double[s.K]);
        double[] gamma = KernelBench.Doubles(s.K, 3), beta = KernelBench.Doubles(s.K, 4), mean = KernelBench.Doubles(s.K, 5), other = KernelBench.Doubles(y.Length, 6);
        float[] variance = Variances(s.K);
        for (int i = 0; i < y.Length; i++)
        {
            int k = i / (s.P * s.Q) % s.K;
            double v = ((y[i] - mean[k]) / Math.Sqrt((double)variance[k] + Eps) * gamma[k]) + beta[k] + (residual ? other[i] : 0);
            y[i] = relu ? Math.Max(0, v) : v;
        }

        return y;
    }
}
