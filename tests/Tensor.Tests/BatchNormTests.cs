using SmartFrz.Kernels;
using SmartFrz.Kernels.Cpu;
using SmartFrz.Kernels.Cuda;
using SmartFrz.Kernels.Random;

namespace SmartFrz.Tensors.Tests;

/// <summary>What the cases of batch normalisation cannot show: running statistics, saved memory, sizes that are cut into pieces.</summary>
public sealed class BatchNormTests
{
    [Fact]
    public void Running_statistics_take_a_share_of_the_unbiased_variance()
    {
        using var device = new CpuDevice(1);
        using var engine = new Engine(device);
        using var step = engine.BeginStep();
        using var noGrad = engine.NoGrad();
        // Channel 0 holds 1, 2, 3, 6: mean 3, squared deviations 14. Channel 1 holds 0, 0, 4, 4: mean 2, squared deviations 16.
        var x = engine.FromHost<float>([1, 2, 0, 0, 3, 6, 4, 4], new Shape(2, 2, 1, 2));
        var (gamma, beta) = (Vector(engine, 1, 1), Vector(engine, 0, 0));
        var (mean, variance) = (Vector(engine, 10, -10), Vector(engine, 1, 2));

        var y = x.BatchNormTrain(gamma, beta, mean, variance, 0.25f, 0f);
        Assert.Equal([0.75f * 10 + 0.25f * 3, 0.75f * -10 + 0.25f * 2], mean.ToArray());
        Assert.Equal([0.75f * 1 + 0.25f * (14f / 3), 0.75f * 2 + 0.25f * (16f / 3)], variance.ToArray());
        Assert.Equal(-2 / Math.Sqrt(14.0 / 4), y.ToArray()[0], 1e-6);

        float[] before = [.. mean.ToArray(), .. variance.ToArray()];
        x.BatchNormEval(gamma, beta, mean, variance, 1e-5f, Activation.Relu);
        float[] after = [.. mean.ToArray(), .. variance.ToArray()];
        Assert.Equal(before, after);
    }

    [Fact]
    public void Shapes_that_do_not_fit_are_named_on_both_sides()
    {
        using var device = new CpuDevice(1);
        using var engine = new Engine(device);
        using var step = engine.BeginStep();
        var two = Vector(engine, 1, 1);
        Says("BatchNormTrain: input (1,2,1,1) has 1 value per channel, the variance of a batch takes at least 2", () => Train(new Shape(1, 2, 1, 1), two, null));
        Says("BatchNormTrain: input (4,3) has 3 channels, gamma (2) expects 2", () => Train(new Shape(4, 3), two, null));
        Says("BatchNormTrain: input (4) has 1 axes, (N,C), (N,C,L) or (N,C,H,W) is expected", () => Train(new Shape(4), two, null));
        Says("BatchNormTrain: the residual has shape (2,2), the input (4,2)", () => Train(new Shape(4, 2), two, engine.NewTensor(new Shape(2, 2))));

        Tensor Train(Shape shape, Tensor c, Tensor? residual) => engine.NewTensor(shape).BatchNormTrain(c, c, c, c, 0.1f, 1e-5f, Activation.Relu, residual);
    }

    [Theory]
    [InlineData(true, false, false, 96 + 8)] // x and the batch's statistics
    [InlineData(true, true, false, 96 + 8)]
    [InlineData(true, true, true, 96 + 96 + 8)] // and the output
    [InlineData(false, false, false, 0)]
    [InlineData(false, true, false, 96)]
    [InlineData(false, false, true, 0)]
    public void A_frozen_layer_keeps_what_its_input_gradient_needs(bool training, bool relu, bool residual, int floats)
    {
        using var device = new CpuDevice(1);
        using var engine = new Engine(device);
        using var input = new Variable(engine, new Shape(2, 4, 12), default);
        using var c = new Variable(engine, new Shape(4), default) { RequiresGrad = false };
        input.Value.CopyFrom(Values(96, 0));
        c.Value.CopyFrom([1, 1, 1, 1]);
        using (engine.BeginStep())
        {
            var x = input.Value.Scale(2f);
            var other = residual ? x : null;
            _ = training
                ? x.BatchNormTrain(c.Value, c.Value, c.Value, c.Value, 0f, 1e-5f, relu ? Activation.Relu : Activation.None, other)
                : x.BatchNormEval(c.Value, c.Value, c.Value, c.Value, 1e-5f, relu ? Activation.Relu : Activation.None, other);
            Assert.Equal(floats * sizeof(float), engine.Context.Memory.LiveOf(BufferKind.SavedActivation));
        }
    }

    [Theory]
    [InlineData(1100, 3, 1)] // several blocks of rows, strips shorter than a vector
    [InlineData(70, 1, 1000)] // several blocks of samples of one channel
    [InlineData(3, 5, 4999)] // planes longer than a chunk
    [InlineData(300, 37, 9)]
    public void Long_sums_are_right_and_the_same_for_any_number_of_threads(int n, int c, int plane)
    {
        var shape = new Shape(n, c, plane);
        // Far from 0 beside a deviation of 1/sqrt(3): a variance from sums of squares would have no digits left.
        float[] x = Values((int)shape.Count, 100f), dy = Values((int)shape.Count, 0);
        var (y, dx, dgamma, dbeta) = Reference(x, dy, n, c, plane);
        foreach (var isa in Enum.GetValues<CpuIsa>().Where(isa => isa.IsSupported()))
        {
            var one = Run(new CpuDevice(1, isa), shape, x, dy);
            Close.Assert($"y on {isa}", y, one[0], 2e-5);
            Close.Assert($"dx on {isa}", dx, one[1], 5e-5);
            Close.Assert($"dgamma on {isa}", dgamma, one[2], 1e-4);
            Close.Assert($"dbeta on {isa}", dbeta, one[3], 1e-4);
            Assert.Equal(one, Run(new CpuDevice(3, isa), shape, x, dy));
        }
    }

    [Fact]
    public void Channels_that_cuda_cuts_into_pieces_are_right()
    {
        var shape = new Shape(3, 2, 1501);
        float[] x = Values((int)shape.Count, 100f), dy = Values((int)shape.Count, 0);
        var (y, dx, dgamma, dbeta) = Reference(x, dy, 3, 2, 1501);
        var cuda = Run(CudaDevice.OpenEmulated(), shape, x, dy);
        Close.Assert("y", y, cuda[0], 2e-5);
        Close.Assert("dx", dx, cuda[1], 5e-5);
        Close.Assert("dgamma", dgamma, cuda[2], 1e-4);
        Close.Assert("dbeta", dbeta, cuda[3], 1e-4);
    }

    private static float[][] Run(Device device, Shape shape, float[] x, float[] dy)
    {
        using var own = device;
        using var engine = new Engine(device);
        var channels = new Shape(shape[1]);
        Variable[] v = [new(engine, shape, default), new(engine, channels, default), new(engine, channels, default)];
        v[0].Value.CopyFrom(x);
        v[1].Value.CopyFrom([.. Enumerable.Repeat(1.5f, shape[1])]);
        v[2].Value.CopyFrom([.. Enumerable.Repeat(0.25f, shape[1])]);
        using (engine.BeginStep())
        {
            var (mean, variance) = (engine.NewTensor(channels), engine.NewTensor(channels));
            var y = v[0].Value.BatchNormTrain(v[1].Value, v[2].Value, mean, variance, 1f, 1e-5f, Activation.Relu);
            float[] output = y.ToArray();
            engine.Backward(y, engine.FromHost<float>(dy, shape));
            float[][] all = [output, .. v.Select(Gradient)];
            Array.ForEach(v, variable => variable.Dispose());
            return all;
        }

        float[] Gradient(Variable variable)
        {
            var gradient = new float[variable.Value.Shape.Count];
            engine.Context.Download<float>(variable.Gradient, gradient);
            return gradient;
        }
    }

    private static (double[] Y, double[] Dx, double[] Dgamma, double[] Dbeta) Reference(float[] x, float[] dy, int n, int c, int plane)
    {
        var (y, dx, dgamma, dbeta) = (new double[x.Length], new double[x.Length], new double[c], new double[c]);
        double m = (double)n * plane;
        for (int channel = 0; channel < c; channel++)
        {
            int[] own = [.. Enumerable.Range(0, n).SelectMany(s => Enumerable.Range(((s * c) + channel) * plane, plane))];
            double mean = own.Average(i => (double)x[i]), rstd = 1 / Math.Sqrt(own.Average(i => (x[i] - mean) * (x[i] - mean)) + 1e-5);
            foreach (int i in own)
            {
                double xhat = (x[i] - mean) * rstd;
                y[i] = Math.Max(0, (1.5 * xhat) + 0.25);
                double g = y[i] > 0 ? dy[i] : 0;
                dbeta[channel] += g;
                dgamma[channel] += g * xhat;
            }

            foreach (int i in own)
            {
                double g = y[i] > 0 ? dy[i] : 0;
                dx[i] = 1.5 * rstd * (g - (dbeta[channel] / m) - ((x[i] - mean) * rstd * dgamma[channel] / m));
            }
        }

        return (y, dx, dgamma, dbeta);
    }

    private static float[] Values(int count, float offset)
    {
        var random = Philox.Keyed(3, (ulong)count + (ulong)offset);
        return [.. Enumerable.Range(0, count).Select(i => offset + (2f * random.Uniform((ulong)i)) - 1f)];
    }

    private static Tensor Vector(Engine engine, params float[] values) => engine.FromHost<float>(values, new Shape(values.Length));

    private static void Says(string message, Func<Tensor> operation) =>
        Assert.Equal(message, Assert.Throws<ShapeException>(() => { operation(); }).Message);
}
