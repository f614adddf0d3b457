using SmartFrz.Kernels;
using SmartFrz.Kernels.Cpu;

namespace SmartFrz.Bench.Pairs;

/// <summary>The size of an elementwise function's operand.</summary>
internal sealed record GeluSettings
{
    public int Elements { get; init; } = 1;

    public bool Tanh { get; init; }
}

/// <summary>GELU: forward pass and input gradient; beside them the plain copy of as much memory, the measure of what moves.</summary>
internal sealed class GeluKind : WorkKind<GeluSettings>
{
    public override string Name => "gelu";

    protected override Work Create(CpuDevice device, GeluSettings s) => new Gelu(device, s);

    private sealed class Gelu : KernelWork
    {
        public Gelu(Device device, GeluSettings s)
            : base(device)
        {
            var (x, y, dx, dy) = (Numbers(s.Elements), Numbers(s.Elements), Numbers(s.Elements), Numbers(s.Elements));
            Add("copy", new UnaryKernel<CopyOp>(default, x, y, s.Elements));
            if (s.Tanh)
            {
                Add("forward", new UnaryKernel<GeluTanhOp>(default, x, y, s.Elements));
                Add("backward", new BinaryKernel<GeluTanhGradOp>(default, dy, x, dx, s.Elements));
            }
            else
            {
                Add("forward", new UnaryKernel<GeluOp>(default, x, y, s.Elements));
                Add("backward", new BinaryKernel<GeluGradOp>(default, dy, x, dx, s.Elements));
            }
        }
    }
}
