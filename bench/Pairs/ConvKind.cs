using SmartFrz.Kernels;
using SmartFrz.Kernels.Cpu;
using SmartFrz.Nn.Options;

namespace SmartFrz.Bench.Pairs;

/// <summary>The sizes of a convolution, square unless said otherwise.</summary>
internal sealed record ConvSettings
{
    public int N { get; init; } = 1;

    public int C { get; init; } = 1;

    public int H { get; init; } = 1;

    public int? W { get; init; }

    public int K { get; init; } = 1;

    public int R { get; init; } = 3;

    public int? S { get; init; }

    public int Stride { get; init; } = 1;

    public int Padding { get; init; }

    public int Dilation { get; init; } = 1;

    public int Groups { get; init; } = 1;
}

/// <summary>A convolution: forward pass, input gradient, weight gradient.</summary>
internal sealed class ConvKind : WorkKind<ConvSettings>
{
    public override string Name => "conv";

    protected override Work Create(CpuDevice device, ConvSettings s)
    {
        var shape = new Conv2dShape(
            s.N, s.C, s.H, s.W ?? s.H, s.K, s.R, s.S ?? s.R, s.Stride, s.Stride, s.Padding, s.Padding, s.Dilation, s.Dilation, s.Groups);
        return shape.Validate(out string error) ? new Conv(device, shape) : throw new OptionException(error);
    }

    private sealed class Conv : KernelWork
    {
        public Conv(Device device, Conv2dShape shape)
            : base(device)
        {
            var (x, w, y) = (Numbers(shape.InputCount), Numbers(shape.WeightCount), Numbers(shape.OutputCount));
            var (dx, dw, dy) = (Numbers(shape.InputCount), Numbers(shape.WeightCount), Numbers(shape.OutputCount));
            Add("forward", new Conv2dForward(shape, x, w, default, y));
            Add("input_gradient", new Conv2dBackwardInput(shape, dy, w, dx, accumulate: false));
            Add("weight_gradient", new Conv2dBackwardWeight(shape, dy, x, dw, accumulate: false));
        }
    }
}
