using SmartFrz.Kernels;
using SmartFrz.Kernels.Cpu;
using SmartFrz.Kernels.Cuda;
using SmartFrz.Tensors.Verification;

namespace SmartFrz.Tensors.Tests;

/// <summary>Sums long enough to be cut into pieces: two launches, announced as such, forward and as the gradient of a repeated operand.</summary>
public sealed class LargeReductionTests
{
    [Fact]
    public void A_bias_gradient_over_many_rows_is_planned_and_right()
    {
        var (rows, bias) = (new Shape(2003, 10), new Shape(10));
        var op = new OpCase
        {
            Name = "bias over many rows",
            Inputs = [rows, bias],
            Apply = (_, x) => x[0].Add(x[1]),
            Reference = x => BroadcastReference(rows, bias, x),
        };
        var dy = OpRun.Seed((int)rows.Count);
        using var device = new CpuDevice(2);
        var gradient = OpRun.Gradients(device, op, NeedMask.All(2));
        Assert.Equal(dy, gradient[0]);
        for (int c = 0; c < 10; c++)
        {
            double expected = dy.Where((_, i) => i % 10 == c).Sum(v => (double)v);
            Assert.Equal(expected, gradient[1]![c], 1e-5);
        }
    }

    [Fact]
    public void A_mean_of_many_elements_takes_two_launches()
    {
        using var device = new CpuDevice(2);
        using var engine = new Engine(device);
        using (engine.BeginStep())
        {
            var x = new float[50_021];
            Array.Fill(x, 0.375f);
            long before = engine.Context.Dispatched;
            Assert.Equal(0.375f, engine.FromHost<float>(x, new Shape(x.Length)).Mean().Item());
            Assert.Equal(2, engine.Context.Dispatched - before);
        }

        Assert.Equal(0, engine.Context.Memory.Live);
    }

    [Fact]
    public void Shapes_that_do_not_fit_are_named_on_both_sides()
    {
        using var device = new CpuDevice(1);
        using var engine = new Engine(device);
        using var step = engine.BeginStep();
        var (a, b) = (engine.NewTensor(new Shape(2, 3)), engine.NewTensor(new Shape(4, 3)));

        Assert.Equal("add: shapes (2,3) and (4,3) do not fit: axis -2 has extents 2 and 4, which are neither equal nor 1", Assert.Throws<ShapeException>(() => a.Add(b)).Message);
        Assert.Equal("Sum: axis 2 of shape (2,3) does not exist", Assert.Throws<ShapeException>(() => a.Sum([2])).Message);
        Assert.Equal("Max: axis -1 of shape (2,3) is named twice", Assert.Throws<ShapeException>(() => a.Max([1, -1])).Message);
        Assert.Equal("Mean: shape (0,3) has no elements along the reduced axes", Assert.Throws<ShapeException>(() => engine.NewTensor(new Shape(0, 3)).Mean([0])).Message);
    }

    [Fact]
    public void The_first_of_equal_maxima_wins_and_NaN_is_the_largest()
    {
        Device[] devices = [new CpuDevice(2), CudaDevice.OpenEmulated()];
        foreach (var device in devices)
        {
            using (var engine = new Engine(device))
            using (engine.BeginStep())
            {
                float inf = float.NegativeInfinity;
                var x = engine.FromHost<float>([1, 3, 3, 2, inf, inf, inf, inf, 5, float.NaN, 9, float.NaN], new Shape(3, 4));
                Assert.Equal([3, inf, float.NaN], x.Max([1]).ToArray());
                var places = new int[3];
                engine.Context.Download(x.ArgMax().Buffer, places.AsSpan());
                Assert.Equal([1, 0, 1], places);
                Assert.Equal([5, float.NaN, 9, float.NaN], x.Max([0]).ToArray());
            }

            device.Dispose();
        }
    }

    private static double[] BroadcastReference(Shape rows, Shape bias, double[][] x) =>
        [.. x[0].Select((v, i) => v + x[1][i % (int)bias.Count])];
}
