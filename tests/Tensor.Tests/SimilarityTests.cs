using SmartFrz.Kernels;
using SmartFrz.Kernels.Cpu;
using SmartFrz.Kernels.Cuda;
using SmartFrz.Kernels.Random;

namespace SmartFrz.Tensors.Tests;

/// <summary>Centred kernel alignment: published values, a double-precision reference, and what must not change it.</summary>
public sealed class SimilarityTests : IDisposable
{
    private readonly CpuDevice _device = new(2);
    private readonly Engine _engine;
    private readonly StepScope _step;

    public SimilarityTests()
    {
        _engine = new Engine(_device);
        _step = _engine.BeginStep();
    }

    public void Dispose()
    {
        _step.Dispose();
        _engine.Dispose();
        _device.Dispose();
    }

    // X = randn(100, 10), Y = randn(100, 10) + X under numpy.random.seed(1337). The linear and the t = 0.5 values to five digits are
    // those of the demo of google-research/representation_similarity; the others were recomputed in double precision.
    [Theory]
    [InlineData("linear", HsicEstimator.Biased, 0.557613, 11.878357)]
    [InlineData("linear", HsicEstimator.Unbiased, 0.513456, 9.895956)]
    [InlineData("rbf 0.5", HsicEstimator.Biased, 0.654831, 0.011429)]
    [InlineData("rbf 0.5", HsicEstimator.Unbiased, 0.419277, 0.004361)]
    [InlineData("rbf 1", HsicEstimator.Biased, 0.575832, 0.006214)]
    [InlineData("rbf 1", HsicEstimator.Unbiased, 0.501610, 0.004593)]
    public void Published_values_are_reproduced(string kernel, HsicEstimator estimator, double cka, double hsic)
    {
        var (x, y) = Golden();
        Assert.Equal([-0.703187f, -0.490282f, -0.321814f], x.ToArray()[..3].Select(v => MathF.Round(v, 6)));
        Assert.Equal([1.412096f, -1.096907f, -0.495995f], y.ToArray()[..3].Select(v => MathF.Round(v, 6)));
        var terms = Similarity.Hsic(Gram(kernel, x), Gram(kernel, y), estimator);

        Assert.Equal(cka, terms.Cka, 1e-5);
        Assert.Equal(hsic, terms.KL, 1e-5 * Math.Max(1, hsic));
    }

    [Theory]
    [InlineData(HsicEstimator.Unbiased, 10, 0.543731)]
    [InlineData(HsicEstimator.Unbiased, 20, 0.533718)]
    [InlineData(HsicEstimator.Unbiased, 25, 0.513268)]
    [InlineData(HsicEstimator.Unbiased, 50, 0.530844)]
    [InlineData(HsicEstimator.Biased, 10, 0.775523)]
    [InlineData(HsicEstimator.Biased, 20, 0.690366)]
    [InlineData(HsicEstimator.Biased, 25, 0.654804)]
    [InlineData(HsicEstimator.Biased, 50, 0.609500)]
    public void Batches_are_averaged_before_dividing(HsicEstimator estimator, int batch, double expected)
    {
        var (x, y) = Golden();
        using var sum = new CkaAccumulator(_engine, estimator);
        for (int i = 0; i < 100; i += batch)
        {
            sum.Add(Similarity.LinearGram(x.Slice(0, i, batch)), Similarity.LinearGram(y.Slice(0, i, batch)));
        }

        Assert.Equal(100 / batch, sum.Batches);
        Assert.Equal(expected, sum.Terms().Cka, 1e-5);
        sum.Reset();
        Assert.Equal(default, sum.Terms());
        sum.Add(Similarity.LinearGram(x), Similarity.LinearGram(x));
        Assert.Equal(1, sum.Terms().Cka, 1e-12);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Both_backends_match_a_double_precision_reference(bool emulated)
    {
        using Device device = emulated ? CudaDevice.OpenEmulated() : new CpuDevice(2);
        using var engine = new Engine(device);
        foreach (var (n, f, g) in emulated ? [(5, 3, 7)] : new[] { (4, 1, 9), (13, 37, 5), (61, 700, 33), (128, 64, 64) })
        {
            using var step = engine.BeginStep();
            var (a, b) = (Uniforms(n * f, 1), Uniforms(n * g, 2));
            var x = engine.FromHost<float>(a, new Shape(n, f));
            var y = engine.FromHost<float>(b, new Shape(n, g));
            double[] ka = Gram(a, n), kb = Gram(b, n), ra = Rbf(ka, n, 0.8), rb = Rbf(kb, n, 0.8);
            Close(ka, Similarity.LinearGram(x, centered: false));
            Close(Center(ka, n), Similarity.LinearGram(x));
            Close(Center(ka, n), Similarity.Center(Similarity.LinearGram(x, centered: false)));
            Close(ra, Similarity.RbfGram(x, 0.8f));
            foreach (var estimator in Enum.GetValues<HsicEstimator>())
            {
                Terms(Hsic(ka, kb, n, estimator), Similarity.Hsic(Similarity.LinearGram(x), Similarity.LinearGram(y), estimator));
                Terms(Hsic(ra, rb, n, estimator), Similarity.Hsic(Similarity.RbfGram(x, 0.8f), Similarity.RbfGram(y, 0.8f), estimator));
            }
        }

        Assert.Equal(0, engine.Context.Memory.Live);
        Assert.Equal(engine.Context.Launches.Total, engine.Context.Launches[Phase.Freeze]);
    }

    [Fact]
    public void Rotation_and_scale_do_not_change_the_alignment()
    {
        const int N = 40, F = 3;
        var points = Uniforms(N * F, 5);
        var other = _engine.FromHost<float>(Uniforms(N * 9, 6), new Shape(N, 9));
        var moved = new float[points.Length];
        (double sin, double cos) = Math.SinCos(0.7);
        for (int i = 0; i < N; i++)
        {
            // A turn in the first two coordinates, a reflection in the third, and a scale of 7.
            double a = points[i * F], b = points[(i * F) + 1];
            moved[i * F] = (float)(7 * ((cos * a) - (sin * b)));
            moved[(i * F) + 1] = (float)(7 * ((sin * a) + (cos * b)));
            moved[(i * F) + 2] = -7 * points[(i * F) + 2];
        }

        var (x, y) = (_engine.FromHost<float>(points, new Shape(N, F)), _engine.FromHost<float>(moved, new Shape(N, F)));
        foreach (string kernel in new[] { "linear", "rbf 0.5" })
        {
            var (kx, ky, ko) = (Gram(kernel, x), Gram(kernel, y), Gram(kernel, other));
            foreach (var estimator in Enum.GetValues<HsicEstimator>())
            {
                Assert.Equal(1, Similarity.Cka(kx, kx, estimator), 1e-12);
                Assert.Equal(1, Similarity.Cka(kx, ky, estimator), 1e-6);
                Assert.Equal(Similarity.Cka(kx, ko, estimator), Similarity.Cka(ky, ko, estimator), 1e-6);
                Assert.Equal(Similarity.Cka(kx, ko, estimator), Similarity.Cka(ko, kx, estimator), 1e-12);
            }
        }
    }

    [Fact]
    public void Independent_representations_are_unlike_only_to_the_unbiased_estimator()
    {
        var random = new NumpyLegacyRandom(3);
        using var unbiased = new CkaAccumulator(_engine);
        using var biased = new CkaAccumulator(_engine, HsicEstimator.Biased);
        for (int batch = 0; batch < 50; batch++)
        {
            var x = Similarity.LinearGram(Tensor(random.Normals(32 * 20), 32));
            var y = Similarity.LinearGram(Tensor(random.Normals(32 * 20), 32));
            unbiased.Add(x, y);
            biased.Add(x, y);
        }

        // 50 batches of 32 samples in 20 dimensions: the standard deviation of the unbiased value is about 0.01.
        Assert.InRange(unbiased.Terms().Cka, -0.04, 0.04);
        Assert.InRange(biased.Terms().Cka, 0.3, 0.5);
    }

    [Fact]
    public void Large_means_do_not_cost_digits()
    {
        var (x, y) = Golden();
        double expected = Similarity.Cka(Similarity.LinearGram(x), Similarity.LinearGram(y));
        double shifted = Similarity.Cka(Similarity.LinearGram(x.AddScalar(64f)), Similarity.LinearGram(y.AddScalar(64f)));
        Assert.Equal(expected, shifted, 1e-5);
    }

    [Fact]
    public void Undefined_alignments_are_zero_and_wrong_shapes_are_named()
    {
        var zero = _engine.NewTensor(new Shape(6, 6));
        zero.CopyFrom(new float[36]);
        var nan = _engine.NewTensor(new Shape(6, 6));
        nan.CopyFrom([.. Enumerable.Repeat(float.NaN, 36)]);

        Assert.Equal(0, Similarity.Cka(zero, zero));
        Assert.Equal(0, Similarity.Cka(nan, nan));
        Assert.Equal(0, new HsicTerms(1, -1, 1).Cka);
        Assert.Equal(1, new HsicTerms(3, 2, 2).Cka);
        string message = Assert.Throws<ShapeException>(() => Similarity.Cka(zero, _engine.NewTensor(new Shape(5, 5)))).Message;
        Assert.Equal("Cka: kernel matrices (6,6) and (5,5), two square ones of one size from 4 on are expected", message);
        Assert.Throws<ShapeException>(() => Similarity.Cka(_engine.NewTensor(new Shape(3, 3)), _engine.NewTensor(new Shape(3, 3))));
        Assert.Throws<ArgumentException>(() => Similarity.RbfGram(zero, 0));
    }

    private static Tensor Gram(string kernel, Tensor x) => kernel switch
    {
        "linear" => Similarity.LinearGram(x),
        "rbf 0.5" => Similarity.RbfGram(x, 0.5f),
        _ => Similarity.RbfGram(x),
    };

    private static float[] Uniforms(int count, ulong stream)
    {
        var random = Philox.Keyed(9, stream);
        return [.. Enumerable.Range(0, count).Select(i => random.Uniform((ulong)i))];
    }

    private static double[] Gram(float[] x, int n)
    {
        int f = x.Length / n;
        return [.. Pairs(n).Select(p => Enumerable.Range(0, f).Sum(k => (double)x[(p.I * f) + k] * x[(p.J * f) + k]))];
    }

    private static double[] Rbf(double[] gram, int n, double t)
    {
        double[] d = [.. Pairs(n).Select(p => gram[p.I * (n + 1)] + gram[p.J * (n + 1)] - (2 * gram[(p.I * n) + p.J]))];
        double[] sorted = [.. d.Order()];
        double median = (sorted[(d.Length - 1) / 2] + sorted[d.Length / 2]) / 2;
        return [.. d.Select(v => Math.Exp(-v / (2 * t * t * median)))];
    }

    private static double[] Center(double[] k, int n)
    {
        double[] rows = [.. Enumerable.Range(0, n).Select(i => k.Skip(i * n).Take(n).Average())];
        double all = rows.Average();
        return [.. Pairs(n).Select(p => k[(p.I * n) + p.J] - rows[p.I] - rows[p.J] + all)];
    }

    private static HsicTerms Hsic(double[] k, double[] l, int n, HsicEstimator estimator)
    {
        return new HsicTerms(One(k, l), One(k, k), One(l, l));

        double One(double[] a, double[] b)
        {
            if (estimator == HsicEstimator.Biased)
            {
                return Center(a, n).Zip(Center(b, n), (u, v) => u * v).Sum() / ((n - 1.0) * (n - 1.0));
            }

            a = [.. a.Select((v, i) => i % (n + 1) == 0 ? 0 : v)];
            b = [.. b.Select((v, i) => i % (n + 1) == 0 ? 0 : v)];
            double products = a.Zip(b, (u, v) => u * v).Sum();
            double rows = Enumerable.Range(0, n).Sum(i => a.Skip(i * n).Take(n).Sum() * b.Skip(i * n).Take(n).Sum());
            return (products + (a.Sum() * b.Sum() / ((n - 1.0) * (n - 2.0))) - (2.0 / (n - 2.0) * rows)) / (n * (n - 3.0));
        }
    }

    private static IEnumerable<(int I, int J)> Pairs(int n) => Enumerable.Range(0, n * n).Select(p => (p / n, p % n));

    private static void Close(double[] expected, Tensor actual)
    {
        double scale = expected.Max(Math.Abs);
        Assert.All(actual.ToArray().Zip(expected), p => Assert.Equal(p.Second, p.First, 2e-6 * scale));
    }

    // The Gram matrices are good to about 1e-6 of their largest element; the terms are their squares.
    private static void Terms(HsicTerms expected, HsicTerms actual)
    {
        double scale = Math.Max(expected.KK, expected.LL);
        Assert.Equal(expected.KL, actual.KL, 1e-5 * scale);
        Assert.Equal(expected.KK, actual.KK, 1e-5 * scale);
        Assert.Equal(expected.LL, actual.LL, 1e-5 * scale);
    }

    private (Tensor X, Tensor Y) Golden()
    {
        var random = new NumpyLegacyRandom(1337);
        var x = random.Normals(1000);
        var y = random.Normals(1000).Zip(x, (a, b) => a + b).ToArray();
        return (Tensor(x, 100), Tensor(y, 100));
    }

    private Tensor Tensor(double[] values, int rows) =>
        _engine.FromHost<float>(Array.ConvertAll(values, v => (float)v), new Shape(rows, values.Length / rows));
}
