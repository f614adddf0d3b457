using SmartFrz.Kernels;
using SmartFrz.Kernels.Cpu;

namespace SmartFrz.Bench.Pairs;

/// <summary>The sizes of a layer normalisation.</summary>
internal sealed record LayerNormSettings
{
    public int Rows { get; init; } = 1;

    public int Columns { get; init; } = 1;
}

/// <summary>Layer normalisation: forward pass, and all gradients together; beside them the plain copy of as much memory, the measure of what moves.</summary>
internal sealed class LayerNormKind : WorkKind<LayerNormSettings>
{
    public override string Name => "layer_norm";

    protected override Work Create(CpuDevice device, LayerNormSettings s) => new LayerNorm(device, s);

    private sealed class LayerNorm : KernelWork
    {
        public LayerNorm(Device device, LayerNormSettings s)
            : base(device)
        {
            var shape = new LayerNormShape(s.Rows, s.Columns, 1e-5f);
            var (x, y, dx, dy) = (Numbers(shape.Count), Numbers(shape.Count), Numbers(shape.Count), Numbers(shape.Count));
            var (gamma, beta, dgamma, dbeta) = (Numbers(s.Columns), Numbers(s.Columns), Numbers(s.Columns), Numbers(s.Columns));
            var (mean, rstd, partials) = (Numbers(s.Rows), Numbers(s.Rows), Numbers(shape.PartialBytes / sizeof(float)));
            Add("copy", new UnaryKernel<CopyOp>(default, x, y, shape.Count));
            Add("forward", new LayerNormKernel(shape, x, gamma, beta, y, mean, rstd));
            var parameters = new LayerNormParameterGradKernel(
                shape, needsGamma: true, needsBeta: true, addGamma: false, addBeta: false, dy, x, mean, rstd, partials, dgamma, dbeta);
            var input = new LayerNormInputGradKernel(shape, dy, x, gamma, mean, rstd, dx, accumulate: false);
            Add("backward", parameters.Cost + input.Cost, context =>
            {
                context.Launch(in parameters);
                context.Launch(in input);
            });
        }
    }
}
