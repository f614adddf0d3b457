using SmartFrz.Kernels;
using SmartFrz.Kernels.Cpu;
using SmartFrz.Kernels.Cuda;

namespace SmartFrz.Tensors.Tests;

/// <summary>Pooling and losses where values are equal, infinite, not numbers, or out of range; on the CPU and in CUDA's kernels.</summary>
public sealed class PoolAndLossTests(PoolAndLossTests.Devices devices) : IClassFixture<PoolAndLossTests.Devices>
{
    [Fact]
    public void The_first_of_equal_maxima_gets_the_gradient() => devices.ForEach(engine =>
    {
        float[] dx = Gradient(engine, [1, 1, 1, 1, 1, 1, 1, 1, 1], new Shape(1, 1, 3, 3), x => x.MaxPool2d(2, 1), out _);
        Assert.Equal([1, 1, 0, 1, 1, 0, 0, 0, 0], dx);
    });

    [Fact]
    public void A_window_of_minus_infinity_gives_its_gradient_to_its_first_element() => devices.ForEach(engine =>
    {
        float[] x = [.. Enumerable.Repeat(float.NegativeInfinity, 4)];
        float[] dx = Gradient(engine, x, new Shape(1, 1, 2, 2), v => v.MaxPool2d(3, 2, 1), out float[] y);
        Assert.Equal([float.NegativeInfinity], y);
        Assert.Equal([1, 0, 0, 0], dx);
    });

    [Fact]
    public void A_nan_is_the_maximum_of_its_windows() => devices.ForEach(engine =>
    {
        float[] dx = Gradient(engine, [5, float.NaN, 7, 1, 2, 3], new Shape(1, 1, 2, 3), x => x.MaxPool2d(2, 1), out float[] y);
        Assert.Equal([float.NaN, float.NaN], y);
        Assert.Equal([0, 2, 0, 0, 0, 0], dx);
    });

    [Fact]
    public void Long_rows_are_pooled_like_short_ones() => devices.ForEachCpu(engine =>
    {
        // 2x2 windows over rows of 70: whole vectors, and a rest, in every width.
        var shape = new Shape(3, 2, 6, 70);
        float[] values = [.. Enumerable.Range(0, (int)shape.Count).Select(i => (float)(i * 7919 % 1000))];
        float[] dx = Gradient(engine, values, shape, x => x.MaxPool2d(2), out float[] y);
        for (int o = 0; o < y.Length; o++)
        {
            int first = (o / (35 * 3) * 420) + (o / 35 % 3 * 140) + (o % 35 * 2);
            int[] window = [first, first + 1, first + 70, first + 71];
            int best = window.MaxBy(i => values[i]);
            Assert.Equal(values[best], y[o]);
            Assert.All(window, i => Assert.Equal(i == best ? 1f : 0f, dx[i]));
        }
    });

    [Fact]
    public void Sizes_that_do_not_fit_are_named_on_both_sides()
    {
        using var engine = new Engine(devices.Cpus[0]);
        using var step = engine.BeginStep();
        var x = engine.NewTensor(new Shape(1, 2, 3, 4));
        Says<ShapeException>("MaxPool2d: input (1,2,3,4) with padding 0 is smaller than the window of 4", () => x.MaxPool2d(4));
        Says<ArgumentException>("MaxPool2d: the padding is 2, it must be between 0 and half the window of 3", () => x.MaxPool2d(3, 1, 2));
        Says<ArgumentException>("AvgPool2d: the window is 2 and the stride 0, both must be at least 1", () => x.AvgPool2d(2, 0));
        Says<ArgumentException>("AdaptiveAvgPool2d: the output is (0,1), both must be at least 1", () => x.AdaptiveAvgPool2d(0, 1));
        Says<ShapeException>("MeanSquaredError: the input has shape (1,2,3,4), the target (2)", () => x.MeanSquaredError(engine.NewTensor(new Shape(2))));
        var (logits, targets) = (engine.NewTensor(new Shape(3, 4)), engine.NewTensor(new Shape(2), DType.I32));
        Says<ShapeException>("CrossEntropy: logits (3,4) and targets (2), expected (N,C) and (N)", () => logits.CrossEntropy(targets));
        Says<ArgumentException>("CountCorrect: the targets of shape (3) hold F32, I32 or I64 is expected", () => logits.CountCorrect(engine.NewTensor(new Shape(3))));
        Says<ArgumentException>("CrossEntropy: the label smoothing is 1.5, a number from 0 to 1 is expected", () => logits.CrossEntropy(engine.NewTensor(new Shape(3), DType.I32), 1.5f));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(3)]
    [InlineData(int.MaxValue)]
    public void A_target_out_of_range_makes_the_loss_nan_and_is_never_correct(int target) => devices.ForEach(engine =>
    {
        var logits = engine.FromHost<float>([1, 2, 3, 3, 2, 1], new Shape(2, 3));
        foreach (var targets in new[] { engine.FromHost<int>([2, target], new Shape(2)), engine.FromHost<long>([2, target + (1L << 32)], new Shape(2)) })
        {
            Assert.Equal(float.NaN, logits.CrossEntropy(targets, 0.1f).Item());
            Assert.Equal(1f, logits.CountCorrect(targets).Item());
        }
    });

    [Fact]
    public void The_first_of_equal_logits_is_the_answer() => devices.ForEach(engine =>
    {
        var logits = engine.FromHost<float>([1, 1, 0, 2, 2, 0], new Shape(3, 2));
        Assert.Equal(2f, logits.CountCorrect(engine.FromHost<int>([1, 1, 0], new Shape(3))).Item());
    });

    [Fact]
    public void A_nearly_certain_row_keeps_the_digits_of_its_loss() => devices.ForEach(engine =>
    {
        var logits = engine.FromHost<float>([0, 20, 1], new Shape(1, 3));
        double expected = Math.Log(1 + Math.Exp(-20) + Math.Exp(-19));
        Assert.Equal(expected, logits.CrossEntropy(engine.FromHost<int>([1], new Shape(1))).Item(), expected * 1e-5);
    });

    [Fact]
    public void Large_logits_neither_overflow_nor_vanish() => devices.ForEach(engine =>
    {
        var logits = engine.FromHost<float>([100, -100, 100, -100], new Shape(4));
        var targets = engine.FromHost<float>([1, 0, 0, 1], new Shape(4));
        Assert.Equal(50f, logits.BinaryCrossEntropyWithLogits(targets).Item(), 1e-5f);
    });

    private static float[] Gradient(Engine engine, float[] values, Shape shape, Func<Tensor, Tensor> operation, out float[] y)
    {
        using var x = new Variable(engine, shape, default);
        x.Value.CopyFrom(values);
        var output = operation(x.Value);
        y = output.ToArray();
        engine.Backward(output, engine.FromHost<float>([.. Enumerable.Repeat(1f, y.Length)], output.Shape));
        var gradient = new float[values.Length];
        engine.Context.Download<float>(x.Gradient, gradient);
        return gradient;
    }

    private static void Says<TException>(string message, Func<Tensor> operation)
        where TException : Exception
        => Assert.Equal(message, Assert.Throws<TException>(() => { operation(); }).Message);

    /// <summary>One device for each instruction set, and the CUDA emulator.</summary>
    public sealed class Devices : IDisposable
    {
        private readonly CudaDevice _emulated = CudaDevice.OpenEmulated();

        public IReadOnlyList<Device> Cpus { get; } =
            [.. Enum.GetValues<CpuIsa>().Where(isa => isa.IsSupported()).Select(isa => new CpuDevice(2, isa))];

        public void ForEach(Action<Engine> test) => ForEach(Cpus.Append(_emulated), test);

        public void ForEachCpu(Action<Engine> test) => ForEach(Cpus, test);

        public void Dispose()
        {
            foreach (var device in Cpus.Append(_emulated))
            {
                device.Dispose();
            }
        }

        private static void ForEach(IEnumerable<Device> all, Action<Engine> test)
        {
            foreach (var device in all)
            {
                using var engine = new Engine(device);
                using var step = engine.BeginStep();
                test(engine);
            }
        }
    }
}
