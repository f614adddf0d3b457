using SmartFrz.Kernels;
using SmartFrz.Kernels.Cpu;

namespace SmartFrz.Bench.Pairs;

/// <summary>The sizes of an attention; as many keys as queries.</summary>
internal sealed record AttentionSettings
{
    public int B { get; init; } = 1;

    public int H { get; init; } = 1;

    public int T { get; init; } = 1;

    public int D { get; init; } = 1;

    public bool Causal { get; init; }
}

/// <summary>Scaled dot-product attention: forward pass, and the gradients of queries, keys and values together.</summary>
internal sealed class AttentionKind : WorkKind<AttentionSettings>
{
    public override string Name => "attention";

    protected override Work Create(CpuDevice device, AttentionSettings s) => new Attention(device, s);

    private sealed class Attention : KernelWork
    {
        public Attention(Device device, AttentionSettings s)
            : base(device)
        {
            var shape = new AttentionShape(s.B, s.H, s.T, s.T, s.D, 1 / MathF.Sqrt(s.D), s.Causal);
            var (q, k, v, y) = (Numbers(shape.QueryCount), Numbers(shape.KeyCount), Numbers(shape.KeyCount), Numbers(shape.QueryCount));
            var (lse, delta, dy) = (Numbers(shape.Rows), Numbers(shape.Rows), Numbers(shape.QueryCount));
            var forward = new AttentionKernel(shape, q, k, v, default, default, y, lse);
            Add("forward", forward);
            var saved = new AttentionSaved(q, k, v, default, default, dy, lse, delta);
            var sums = new AttentionDeltaKernel(shape, dy, y, delta);
            var gradients = new AttentionGradKernel(
                shape, needsValue: true, saved, Numbers(shape.QueryCount), addQuery: false, Numbers(shape.KeyCount), addKey: false, Numbers(shape.KeyCount), addValue: false);
            Add("backward", sums.Cost + gradients.Cost, context =>
            {
                context.Launch(in sums);
                context.Launch(in gradients);
            });

            // The backward pass reads what the forward pass has left.
            Parts[0].Run();
        }
    }
}
