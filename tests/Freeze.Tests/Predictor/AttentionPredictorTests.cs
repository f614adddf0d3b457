using SmartFrz.Kernels.Cpu;
using SmartFrz.Nn;
using SmartFrz.Nn.Options;
using SmartFrz.Tensors;

namespace SmartFrz.Freeze.Tests;

public sealed class AttentionPredictorTests : IDisposable
{
    private const int Layers = 3, Window = 5, Samples = 7;

    private readonly CpuDevice _device = new(threads: 1);
    private readonly Engine _engine;

    public AttentionPredictorTests() => _engine = new Engine(_device);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void It_computes_what_the_formulas_say(bool additive)
    {
        using var predictor = Make(additive);
        var host = new HostPredictor(predictor);
        float[] input = Input();
        float[] logits = Logits(predictor, input);
        Assert.Equal(Layers, logits.Length);
        for (int l = 0; l < Layers; l++)
        {
            Assert.Equal(host.Logit(input.AsSpan(l * Window * Samples, Window * Samples)), logits[l], 1e-5);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Its_gradients_are_finite_differences(bool additive)
    {
        using var predictor = Make(additive);
        foreach (var parameter in predictor.Parameters())
        {
            // Larger than it begins with, so that attention is far from even and every gradient can be seen.
            parameter.Value.CopyFrom(Array.ConvertAll(parameter.Value.ToArray(), v => 2.5f * v));
        }

        var host = new HostPredictor(predictor);
        float[] input = Input();
        var gradients = Gradients(predictor, input);
        // Single precision through some ten operations.
        double tolerance = 1e-5 * gradients.Values.Max(g => g.Max(Math.Abs));

        // Differences of double precision: steps of 1e-6 leave 9 digits, and no ReLU of this input is that near its kink.
        const double Step = 1e-6;
        foreach (var (name, gradient) in gradients)
        {
            double[] values = host.Values[name];
            for (int i = 0; i < values.Length; i++)
            {
                double value = values[i];
                values[i] = value + Step;
                double above = HostLoss(host, input);
                values[i] = value - Step;
                double below = HostLoss(host, input);
                values[i] = value;
                double expected = (above - below) / (2 * Step);
                Assert.Equal(expected, gradient[i], tolerance);
            }

            // The softmax takes the same term of all scores away.
            Assert.True(gradient.Max(Math.Abs) > 20 * tolerance || name is "score.bias" or "key.bias", $"the gradient of {name} vanishes");
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_order_of_the_older_snapshots_does_not_matter_the_newest_does(bool additive)
    {
        using var predictor = Make(additive);
        float[] input = Input();
        float[] expected = Logits(predictor, input);
        float[] permuted = Logits(predictor, Rearranged(input, [2, 0, 3, 1, 4]));
        Assert.All(expected.Zip(permuted), p => Assert.Equal(p.First, p.Second, 1e-5f));
        Assert.True(expected.Zip(Logits(predictor, Rearranged(input, [0, 1, 2, 4, 3])), (a, b) => Math.Abs(a - b)).Max() > 1e-3);
    }

    [Fact]
    public void Layers_do_not_see_each_other()
    {
        using var predictor = Make(additive: false);
        float[] input = Input();
        float[] all = Logits(predictor, input);
        for (int l = 0; l < Layers; l++)
        {
            Assert.Equal(all[l], Logits(predictor, input[(l * Window * Samples)..((l + 1) * Window * Samples)])[0], 1e-6f);
        }
    }

    [Theory]
    [InlineData(5)]
    [InlineData(3, 5)]
    [InlineData(3, 4, 7)]
    [InlineData(3, 5, 8)]
    [InlineData(1, 3, 5, 7)]
    public void An_input_of_another_shape_is_refused(params int[] shape)
    {
        using var predictor = Make(additive: false);
        using var step = _engine.BeginStep();
        var e = Assert.Throws<ShapeException>(() => predictor.Call(_engine.NewTensor(new Shape(shape))));
        Assert.Contains("expected (L,5,7)", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Sizes_without_sense_are_refused()
    {
        var sizes = TestPredictor.Sizes();
        Assert.Throws<OptionException>(() => Make(sizes with { Hidden = [8] }));
        Assert.Throws<OptionException>(() => Make(sizes with { Hidden = [8, 0] }));
        Assert.Throws<OptionException>(() => Make(sizes with { KeyWidth = 0 }));
        Assert.Throws<OptionException>(() => Make(sizes with { ClassifierWidth = -1 }));
        Assert.Throws<OptionException>(() => Make(sizes with { History = new WeightHistoryOptions { Window = 1 } }));
    }

    public void Dispose()
    {
        _engine.Dispose();
        _device.Dispose();
    }

    private static float[] Input() => [.. Enumerable.Range(0, Layers * Window * Samples).Select(i => MathF.Sin(i * 1.3f) * 2)];

    private static float[] Rearranged(float[] input, int[] order)
    {
        var result = new float[input.Length];
        for (int row = 0; row < Layers * Window; row++)
        {
            int from = (row / Window * Window) + order[row % Window];
            input.AsSpan(from * Samples, Samples).CopyTo(result.AsSpan(row * Samples));
        }

        return result;
    }

    private static double HostLoss(HostPredictor host, float[] input)
    {
        double sum = 0;
        for (int l = 0; l < Layers; l++)
        {
            sum += (l + 1) * host.Logit(input.AsSpan(l * Window * Samples, Window * Samples));
        }

        return sum;
    }

    private AttentionPredictor Make(bool additive) => Make(TestPredictor.Sizes(Window, Samples, additive));

    private AttentionPredictor Make(AttentionPredictorOptions options) => new(ModuleScope.Root(_engine, 11), options);

    private float[] Logits(AttentionPredictor predictor, float[] input)
    {
        using (_engine.NoGrad())
        using (_engine.BeginStep())
        {
            int layers = input.Length / Window / Samples;
            var logits = predictor.Call(_engine.FromHost<float>(input, new Shape(layers, Window, Samples)));
            Assert.Equal(new Shape(layers, 1), logits.Shape);
            return logits.ToArray();
        }
    }

    private Dictionary<string, float[]> Gradients(AttentionPredictor predictor, float[] input)
    {
        using (_engine.BeginStep())
        {
            var logits = predictor.Call(_engine.FromHost<float>(input, new Shape(Layers, Window, Samples)));
            _engine.Backward(logits, _engine.FromHost<float>([1, 2, 3], logits.Shape));
        }

        return predictor.Parameters().ToDictionary(
            p => p.Name,
            p =>
            {
                var gradient = new float[p.Shape.Count];
                _engine.Context.Download<float>(p.Variable.Gradient, gradient);
                return gradient;
            },
            StringComparer.Ordinal);
    }
}
