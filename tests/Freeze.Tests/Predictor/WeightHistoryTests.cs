using SmartFrz.Kernels;
using SmartFrz.Kernels.Random;
using SmartFrz.Nn;
using SmartFrz.Nn.Options;
using SmartFrz.Tensors;

namespace SmartFrz.Freeze.Tests;

[Collection(nameof(TestDevices))]
public sealed class WeightHistoryTests(TestDevices devices)
{
    private const int Window = 4, Samples = 16;

    // The last of a half float's 11 significant bits: a rounding that falls the other way moves a value by this share at most,
    // or by the least half float.
    private const double LastBit = 1.0 / 1024, LeastHalf = 1.0 / (1 << 24);

    private static readonly WeightHistoryOptions Options = new() { Window = Window, Samples = Samples };

    [Theory]
    [InlineData("cpu", 50, false)]
    [InlineData("cpu", 5, false)]
    [InlineData("cpu", 50, true)]
    [InlineData("cuda", 50, false)]
    [InlineData("cuda", 5, true)]
    public void The_window_holds_the_displacements_since_it_began_from_oldest_to_newest(string device, int count, bool redraw)
    {
        using var rig = new Rig(devices[device], count, Options with { Redraw = redraw });
        var movements = new List<double[]>();
        float[] last = [];
        for (int t = 0; t <= (2 * Window) + 1; t++)
        {
            rig.Move(t);
            rig.History.Record();
            Assert.Equal(t + 1, rig.History.Recorded);
            Assert.Equal(t >= Window, rig.History.IsFull);
            float[] weights = rig.Parameter.Value.ToArray();
            float[] sample = Array.ConvertAll(rig.Indices(), i => weights[i]);
            if (t > 0)
            {
                double rms = Math.Sqrt(sample.Average(s => (double)s * s));
                movements.Add([.. sample.Zip(last, (s, l) => (double)(Half)((s - l) / rms))]);
            }

            last = sample;
            if (t >= Window)
            {
                AssertWindow([.. movements.TakeLast(Window)], rig.Read());
            }
        }
    }

    [Fact]
    public void Both_backends_record_the_same_to_the_last_bit_of_a_half_float()
    {
        using var cpu = new Rig(devices["cpu"], 200, Options);
        using var cuda = new Rig(devices["cuda"], 200, Options);
        for (int t = 0; t <= Window; t++)
        {
            cpu.Move(t);
            cuda.Move(t);
            cpu.History.Record();
            cuda.History.Record();
        }

        Assert.Equal(cpu.Indices(), cuda.Indices());
        float[] expected = cpu.Saved().Arrays["layer.weight.ring"], actual = cuda.Saved().Arrays["layer.weight.ring"];
        Assert.All(expected.Zip(actual), p => Assert.Equal(p.First, p.Second, LastBitOf(p.First)));
        Assert.Equal(cpu.Saved().Arrays["layer.weight.last"], cuda.Saved().Arrays["layer.weight.last"]);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(16)]
    public void A_small_layer_is_tiled(int count)
    {
        using var rig = new Rig(devices["cpu"], count, Options);
        rig.History.Record();
        int[] times = [.. Enumerable.Range(0, count).Select(i => rig.Indices().Count(k => k == i))];
        Assert.Equal(Samples, times.Sum());
        Assert.All(times, n => Assert.InRange(n, Samples / count, (Samples + count - 1) / count));
    }

    [Theory]
    [InlineData(17)]
    [InlineData(64)]
    [InlineData(65)]
    [InlineData(5000)]
    public void A_large_layer_is_sampled(int count)
    {
        using var rig = new Rig(devices["cpu"], count, Options);
        rig.History.Record();
        int[] indices = rig.Indices();
        Assert.All(indices, i => Assert.InRange(i, 0, count - 1));
        // In a layer of many thousands a repeated draw is rare.
        Assert.InRange(indices.Distinct().Count(), count <= 4 * Samples ? Samples : Samples - 2, Samples);
    }

    [Fact]
    public void The_sample_depends_on_the_seed_and_the_name_and_is_drawn_once()
    {
        int[] Draw(ulong seed, string name)
        {
            using var rig = new Rig(devices["cpu"], 300, Options, seed, name);
            rig.History.Record();
            int[] first = rig.Indices();
            rig.Move(1);
            rig.History.Record();
            Assert.Equal(first, rig.Indices());
            return [.. first.Order()];
        }

        Assert.Equal(Draw(1, "a.weight"), Draw(1, "a.weight"));
        Assert.NotEqual(Draw(1, "a.weight"), Draw(2, "a.weight"));
        Assert.NotEqual(Draw(1, "a.weight"), Draw(1, "b.weight"));
    }

    [Fact]
    public void With_redrawing_each_snapshot_has_its_own_sample()
    {
        using var rig = new Rig(devices["cpu"], 300, Options with { Redraw = true });
        var seen = new List<int[]>();
        for (int t = 0; t < 3; t++)
        {
            rig.History.Record();
            seen.Add(rig.Indices());
        }

        Assert.NotEqual(seen[0], seen[1]);
        Assert.NotEqual(seen[1], seen[2]);
    }

    [Fact]
    public void Movements_take_two_bytes_each()
    {
        using var rig = new Rig(devices["cpu"], 50, Options);
        Assert.Equal((Window * Samples * 2) + (Samples * 4) + (Samples * 4), rig.History.Bytes);
        Assert.Equal(rig.History.Bytes, rig.Engine.Context.Memory.LiveOf(BufferKind.Cache));
        rig.History.Dispose();
        Assert.Equal(0, rig.Engine.Context.Memory.LiveOf(BufferKind.Cache));
    }

    [Fact]
    public void A_window_that_is_not_full_cannot_be_read_and_clearing_empties_it()
    {
        using var rig = new Rig(devices["cpu"], 50, Options);
        var e = Assert.Throws<InvalidOperationException>(rig.Read);
        Assert.Contains("0 of 4", e.Message, StringComparison.Ordinal);
        for (int t = 0; t <= Window; t++)
        {
            rig.Move(t);
            rig.History.Record();
        }

        float[] before = rig.Read();
        rig.History.Clear();
        Assert.Throws<InvalidOperationException>(rig.Read);
        for (int t = 0; t <= Window; t++)
        {
            rig.Move(t);
            rig.History.Record();
        }

        Assert.Equal(before, rig.Read());
    }

    [Theory]
    [InlineData("cpu", 1)]
    [InlineData("cpu", 3)]
    [InlineData("cpu", 9)]
    [InlineData("cuda", 7)]
    public void A_restored_history_goes_on_bit_by_bit(string device, int recorded)
    {
        using var whole = new Rig(devices[device], 50, Options);
        using var restored = new Rig(devices[device], 50, Options, seed: 99);
        for (int t = 0; t < recorded; t++)
        {
            whole.Move(t);
            whole.History.Record();
        }

        restored.History.Load(whole.Saved());
        Assert.Equal(whole.History.Recorded, restored.History.Recorded);
        if (whole.History.IsFull)
        {
            Assert.Equal(whole.Read(), restored.Read());
        }

        for (int t = recorded; t <= recorded + Window; t++)
        {
            whole.Move(t);
            restored.Move(t);
            whole.History.Record();
            restored.History.Record();
        }

        Assert.Equal(whole.Indices(), restored.Indices());
        Assert.Equal(whole.Read(), restored.Read());
    }

    [Theory]
    [InlineData(1, 16, 1e-3f)]
    [InlineData(4, 0, 1e-3f)]
    [InlineData(4, 16, 0f)]
    [InlineData(4, 16, float.NaN)]
    public void Options_without_sense_are_refused(int window, int samples, float unit) =>
        Assert.Throws<OptionException>(() => new Rig(devices["cpu"], 5, new WeightHistoryOptions { Window = window, Samples = samples, Unit = unit }));

    [Theory]
    [InlineData(30, 390, 13)]
    [InlineData(30, 59, 1)]
    [InlineData(30, 7, 1)]
    public void Snapshots_fill_the_window_in_an_epoch(int window, int stepsPerEpoch, int interval) =>
        Assert.Equal(interval, new WeightHistoryOptions { Window = window }.IntervalFor(stepsPerEpoch));

    private static double LastBitOf(double value) => Math.Max(Math.Abs(value) * LastBit, LeastHalf);

    private static void AssertWindow(double[][] movements, float[] actual)
    {
        var (lows, highs) = (new double[Window][], new double[Window][]);
        for (int t = 0; t < Window; t++)
        {
            (lows[t], highs[t]) = (new double[Samples], new double[Samples]);
        }

        for (int i = 0; i < Samples; i++)
        {
            double moved = 0, most = 0;
            for (int t = 0; t < Window; t++)
            {
                moved += movements[t][i];
                most += LastBitOf(movements[t][i]);
                double v = Math.Abs(moved) / Options.Unit;
                // Each movement may be rounded the other way; asinh makes d of it d / sqrt(1 + v^2), at most.
                double error = (most / Options.Unit / Math.Sqrt(1 + (v * v))) + 1e-5;
                (lows[t][i], highs[t][i]) = (Math.Asinh(v) - error, Math.Asinh(v) + error);
            }
        }

        for (int t = 0; t < Window; t++)
        {
            // The k-th smallest of numbers lies between the k-th smallest of their bounds.
            Array.Sort(lows[t]);
            Array.Sort(highs[t]);
            for (int i = 0; i < Samples; i++)
            {
                Assert.InRange(actual[(t * Samples) + i], lows[t][i], highs[t][i]);
            }
        }
    }

    /// <summary>A parameter that moves a little each step, and its history.</summary>
    private sealed class Rig : IDisposable
    {
        private readonly int _count;

        public Rig(Device device, int count, WeightHistoryOptions options, ulong seed = 1, string name = "layer.weight")
        {
            _count = count;
            Engine = new Engine(device);
            Parameter = new Parameter(name, new Variable(Engine, new Shape(count, 1), default));
            Move(0);
            try
            {
                History = new WeightHistory(Engine, Parameter, options, seed);
            }
            catch
            {
                Engine.Dispose();
                throw;
            }
        }

        public Engine Engine { get; }

        public Parameter Parameter { get; }

        public WeightHistory History { get; }

        public void Move(int step)
        {
            var random = Philox.Keyed(7, 1);
            var weights = new float[_count];
            for (int i = 0; i < _count; i++)
            {
                weights[i] = random.Normal((ulong)i) + (0.01f * MathF.Sin((i * 1.7f) + (step * 0.9f)));
            }

            Parameter.Value.CopyFrom(weights);
        }

        public CheckpointEntries Saved()
        {
            var entries = new CheckpointEntries();
            History.Save(entries);
            return entries;
        }

        public int[] Indices() => Array.ConvertAll(Saved().Arrays[$"{Parameter.Name}.indices"], BitConverter.SingleToInt32Bits);

        public float[] Read()
        {
            using var step = Engine.BeginStep();
            var x = Engine.NewTensor(new Shape(1, Window, Samples));
            History.ReadWindow(x);
            return x.ToArray();
        }

        public void Dispose()
        {
            History.Dispose();
            Parameter.Dispose();
            Engine.Dispose();
        }
    }
}
