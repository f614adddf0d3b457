using SmartFrz.Kernels.Cpu;
using SmartFrz.Kernels.Cuda;

namespace SmartFrz.Kernels;

/// <summary>Scaled dot-product attention. The scores exist a tile at a time only.</summary>
/// <remarks>
/// Computes: s = scale * q k^T + terms, y = softmax(s) v over the keys that a query sees; lse = log of the sum of e^s, which is all that the
///           backward pass needs of the scores. A query that sees no key gets 0 and lse = -infinity. A key whose term is -infinity is seen by none.
/// Shapes:   q, y (B, H, Tq, D); k, v (B, H, Tk, D); lse (B, H, Tq); lengths (B), 32-bit integers, may be absent: of sequence b only the
///           first lengths[b] keys count; terms (B, Tk), there if the shape says so.
/// Source:   T. Dao et al., "FlashAttention" (2022).
/// </remarks>
public readonly unsafe struct AttentionKernel(
    AttentionShape shape, DeviceBuffer q, DeviceBuffer k, DeviceBuffer v, DeviceBuffer lengths, DeviceBuffer terms, DeviceBuffer y, DeviceBuffer lse) : IKernel
{
    private readonly AttentionShape _shape = shape;
    private readonly DeviceBuffer _q = q, _k = k, _v = v, _lengths = lengths, _terms = terms, _y = y, _lse = lse;

    /// <inheritdoc/>
    public static string Name => "attention";

    /// <inheritdoc/>
    public KernelCost Cost => new(_shape.Flops(products: 2), _shape.Bytes(queries: 2, keys: 2, rows: 1));

    /// <inheritdoc/>
    public void Run(CpuContext cpu) => CpuAttention.Run(cpu, new CpuAttentionForward
    {
        Of = new CpuAttentionOperands
        {
            Shape = _shape,
            Q = CpuContext.Floats(_q),
            K = CpuContext.Floats(_k),
            V = CpuContext.Floats(_v),
            Lengths = CpuContext.Pointer<int>(_lengths),
            Terms = CpuContext.Floats(_terms),
            Lse = CpuContext.Floats(_lse),
        },
        Y = CpuContext.Floats(_y),
    });

    /// <inheritdoc/>
    public void Run(CudaContext cuda) => AttentionCuda.Launch(
        cuda,
        AttentionCuda.Forward<GpuTile>,
        AttentionCuda.Forward<EmulatorTile>,
        _shape.Tq,
        new AttentionCuda.Args
        {
            Sizes = AttentionCuda.Sizes.Of(_shape, _lengths, _terms),
            Q = CudaContext.Floats(_q),
            K = CudaContext.Floats(_k),
            V = CudaContext.Floats(_v),
            Y = CudaContext.Floats(_y),
            Lse = CudaContext.Floats(_lse),
        });
}
