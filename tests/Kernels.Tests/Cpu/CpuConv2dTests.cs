using CsCheck;
using SmartFrz.Kernels.Cpu;

namespace SmartFrz.Kernels.Tests.Cpu;

public sealed unsafe class CpuConv2dTests
{
    [Theory]
    [InlineData(2, 3, 9, 9, 5, 3, 3, 1, 1, 1, 1, 1, 1, 1)] // odd everything
    [InlineData(2, 16, 32, 32, 16, 3, 3, 1, 1, 1, 1, 1, 1, 1)] // residual networks, their first stage
    [InlineData(2, 16, 32, 32, 32, 3, 3, 2, 2, 1, 1, 1, 1, 1)] // between the stages
    [InlineData(2, 32, 16, 16, 64, 1, 1, 2, 2, 0, 0, 1, 1, 1)] // the short cut: some pixels meet no tap
    [InlineData(5, 64, 8, 8, 64, 3, 3, 1, 1, 1, 1, 1, 1, 1)]
    [InlineData(2, 24, 7, 7, 40, 1, 1, 1, 1, 0, 0, 1, 1, 1)] // pointwise
    [InlineData(9, 70, 4, 4, 33, 3, 3, 1, 1, 1, 1, 1, 1, 1)] // small images, several at a time, several blocks of channels
    [InlineData(7, 5, 2, 2, 6, 3, 3, 2, 2, 1, 1, 1, 1, 1)] // one output pixel
    [InlineData(1, 3, 40, 37, 8, 7, 7, 2, 2, 3, 3, 1, 1, 1)] // large filter, one image
    [InlineData(2, 6, 13, 11, 4, 3, 5, 2, 3, 2, 1, 2, 1, 2)] // nothing square, stride, dilation, groups
    [InlineData(2, 4, 15, 17, 4, 2, 3, 3, 2, 1, 2, 2, 3, 1)] // stride and dilation with and without a common divisor
    [InlineData(2, 4, 12, 12, 6, 3, 3, 2, 2, 0, 0, 2, 2, 1)]
    [InlineData(2, 3, 5, 6, 4, 1, 1, 1, 1, 2, 3, 1, 1, 1)] // more padding than filter
    [InlineData(1, 2, 9, 9, 3, 1, 2, 4, 5, 0, 0, 1, 1, 1)] // a stride larger than the filter
    [InlineData(2, 8, 10, 10, 8, 3, 3, 1, 1, 1, 1, 1, 1, 8)] // depthwise
    [InlineData(2, 8, 11, 9, 8, 3, 3, 2, 2, 1, 1, 1, 1, 8)]
    [InlineData(2, 4, 9, 7, 8, 5, 3, 1, 1, 2, 1, 1, 1, 4)] // depthwise, two outputs each
    [InlineData(3, 21, 9, 7, 21, 5, 3, 1, 2, 2, 1, 1, 1, 21)] // depthwise, a register of channels and a bit
    [InlineData(33, 90, 4, 4, 85, 3, 3, 1, 1, 1, 1, 1, 1, 1)] // images in the lanes, one image and some channels over
    [InlineData(52, 70, 5, 3, 110, 3, 3, 2, 2, 1, 1, 1, 1, 1)]
    [InlineData(32, 64, 2, 2, 128, 3, 3, 1, 1, 1, 1, 1, 1, 1)]
    [InlineData(32, 96, 7, 7, 80, 3, 3, 1, 1, 2, 2, 2, 2, 1)] // dilation: the first tap of some pixels is not the first
    [InlineData(32, 90, 3, 3, 90, 3, 3, 4, 4, 3, 3, 1, 1, 1)] // outputs that meet padding alone, inputs that meet no tap
    [InlineData(2, 5, 17, 13, 7, 5, 4, 5, 4, 0, 0, 1, 1, 1)] // patches, with pixels left over
    [InlineData(3, 16, 8, 6, 9, 2, 2, 2, 2, 0, 0, 1, 1, 1)]
    [InlineData(3, 280, 7, 7, 236, 1, 1, 1, 1, 0, 0, 1, 1, 1)]
    [InlineData(4, 90, 7, 7, 83, 3, 3, 1, 1, 1, 1, 1, 1, 1)]
    [InlineData(1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 1)]
    [InlineData(1, 40, 20, 20, 30, 3, 3, 1, 1, 1, 1, 1, 1, 1)]
    [InlineData(2, 3, 3, 200, 4, 3, 3, 1, 1, 1, 1, 1, 1, 1)] // wide
    public void Known_shapes(int n, int c, int h, int w, int k, int r, int s, int strideH, int strideW, int padH, int padW, int dilationH, int dilationW, int groups)
    {
        var shape = new Conv2dShape(n, c, h, w, k, r, s, strideH, strideW, padH, padW, dilationH, dilationW, groups);
        Assert.True(shape.Validate(out string error), error);
        using var case_ = new ConvCase(shape);
        for (int threads = 1; threads <= 3; threads++)
        {
            using var pool = new CpuPool(threads);
            foreach (var isa in CpuTestSettings.Isas)
            {
                case_.Check(pool, isa);
            }
        }
    }

    [Fact]
    public void Random_shapes()
    {
        using var pool = new CpuPool(2);
        var axis = Gen.Select(Gen.Int[1, 20], Gen.Int[1, 5], Gen.Int[1, 3], Gen.Int[0, 3], Gen.Int[1, 3]);
        Gen.Select(Gen.Int[1, 4], Gen.Int[1, 9], Gen.Int[1, 14], Gen.Int[1, 3], axis, axis).Sample(
            (n, c, k, groups, v, u) =>
            {
                var shape = new Conv2dShape(n, c * groups, v.Item1, u.Item1, k * groups, v.Item2, u.Item2, v.Item3, u.Item3, v.Item4, u.Item4, v.Item5, u.Item5, groups);
                if (!shape.Validate(out _))
                {
                    return;
                }

                using var case_ = new ConvCase(shape);
                foreach (var isa in CpuTestSettings.Isas)
                {
                    case_.Check(pool, isa);
                }
            },
            iter: 100,
            threads: 1);
    }

    [Theory]
    [InlineData(34, 70, 4, 110, 3, 1, 1)] // images in the lanes
    [InlineData(3, 19, 6, 19, 3, 2, 19)] // depthwise
    [InlineData(9, 90, 3, 13, 3, 1, 1)] // small images, several blocks of channels
    [InlineData(2, 5, 14, 24, 3, 1, 1)]
    public void A_finished_forward_pass_is_the_plain_one_finished(int n, int c, int h, int k, int filter, int stride, int groups)
    {
        var s = new Conv2dShape(n, c, h, h, k, filter, filter, stride, stride, filter / 2, filter / 2, 1, 1, groups);
        var random = new System.Random(5);
        using var x = NativeFloats.Uniform(s.InputCount, random);
        using var w = NativeFloats.Uniform(s.WeightCount, random);
        using var gamma = NativeFloats.Uniform(k, random);
        using var beta = NativeFloats.Uniform(k, random);
        using var mean = NativeFloats.Uniform(k, random);
        using var variance = NativeFloats.Uniform(k, random);
        using var residual = NativeFloats.Uniform(s.OutputCount, random);
        using var plain = new NativeFloats(s.OutputCount);
        using var finished = new NativeFloats(s.OutputCount);
        for (int i = 0; i < k; i++)
        {
            variance.Span[i] = 1 + (variance.Span[i] / 2);
        }

        var operands = new CpuFinishOperands
        {
            Gamma = gamma.Pointer,
            Beta = beta.Pointer,
            Mean = mean.Pointer,
            Variance = variance.Pointer,
            Eps = 1e-5f,
            Residual = residual.Pointer,
            Activation = Activation.Relu,
        };
        using var pool = new CpuPool(2);
        foreach (var isa in CpuTestSettings.Isas)
        {
            CpuConv2d.Forward(pool, isa, s, x.Pointer, w.Pointer, null, plain.Pointer);
            CpuConv2d.Forward(pool, isa, s, x.Pointer, w.Pointer, null, finished.Pointer, &operands);
            for (int i = 0; i < s.OutputCount; i++)
            {
                int channel = i / (s.P * s.Q) % k;
                double scale = gamma.Span[channel] / Math.Sqrt(variance.Span[channel] + 1e-5);
                double expected = Math.Max(0, ((plain.Span[i] - mean.Span[channel]) * scale) + beta.Span[channel] + residual.Span[i]);
                Assert.Equal(expected, finished.Span[i], 2e-5);
            }

            finished.AssertGuards();
        }
    }

    [Theory]
    [InlineData(8, 20, 14, 24, 3, 1, 1)]
    [InlineData(8, 16, 16, 32, 3, 2, 1)]
    [InlineData(5, 24, 4, 24, 3, 1, 1)]
    [InlineData(4, 12, 16, 12, 3, 1, 12)]
    public void The_same_bits_each_time(int n, int c, int h, int k, int filter, int stride, int groups)
    {
        var shape = new Conv2dShape(n, c, h, h, k, filter, filter, stride, stride, filter / 2, filter / 2, 1, 1, groups);
        using var case_ = new ConvCase(shape, exact: false);
        using var one = new CpuPool(1);
        using var two = new CpuPool(2);
        using var three = new CpuPool(3);
        foreach (var isa in CpuTestSettings.Isas)
        {
            var single = case_.Bits(one, isa);
            foreach (var pool in new[] { one, two, three })
            {
                var first = case_.Bits(pool, isa);
                Assert.Equal(first, case_.Bits(pool, isa));

                // The weight gradient is a sum of one part for each thread; the other two do not depend on the number of threads.
                int others = (int)(shape.OutputCount + shape.InputCount);
                Assert.Equal(single[..others], first[..others]);
            }
        }
    }

    [Fact]
    public void Shape_counts_and_validates()
    {
        var shape = new Conv2dShape(2, 4, 9, 11, 6, 3, 5, 2, 1, 1, 2, 1, 1, 2);

        Assert.True(shape.Validate(out string none));
        Assert.Equal(string.Empty, none);
        Assert.Equal((5, 11), (shape.P, shape.Q));
        Assert.Equal(2L * 2 * 6 * 5 * 11 * 2 * 3 * 5, shape.ForwardFlops);
        Assert.Equal(4L * ((2 * 4 * 9 * 11) + (6 * 2 * 3 * 5) + (2 * 6 * 5 * 11)), shape.ForwardBytes);

        Assert.False((shape with { Groups = 3 }).Validate(out string groups));
        Assert.Contains("3 groups", groups, StringComparison.Ordinal);
        Assert.False((shape with { R = 20 }).Validate(out string reach));
        Assert.Contains("20x5", reach, StringComparison.Ordinal);
        Assert.False((shape with { StrideW = 0 }).Validate(out _));
        Assert.False((shape with { N = 0 }).Validate(out _));
    }
}
