using SmartFrz.Kernels.Cpu;
using SmartFrz.Kernels.Cuda;

namespace SmartFrz.Kernels;

/// <summary>What the backward passes of an attention read: its operands, the output's gradient, and a number or two for each row.</summary>
/// <param name="Q">The queries.</param>
/// <param name="K">The keys.</param>
/// <param name="V">The values.</param>
/// <param name="Lengths">The keys that count of each sequence; may be absent.</param>
/// <param name="Terms">The keys' terms, where the shape says that there are some.</param>
/// <param name="Dy">The output's gradient.</param>
/// <param name="Lse">The logarithms of <see cref="AttentionKernel"/>.</param>
/// <param name="Delta">The products of <see cref="AttentionDeltaKernel"/>; absent for the values' gradient alone.</param>
public readonly record struct AttentionSaved(
    DeviceBuffer Q, DeviceBuffer K, DeviceBuffer V, DeviceBuffer Lengths, DeviceBuffer Terms, DeviceBuffer Dy, DeviceBuffer Lse, DeviceBuffer Delta);

/// <summary>delta = the sum of dy * y over each row: what softmax takes off the gradient of its scores.</summary>
public readonly unsafe struct AttentionDeltaKernel(AttentionShape shape, DeviceBuffer dy, DeviceBuffer y, DeviceBuffer delta) : IKernel
{
    private readonly AttentionShape _shape = shape;
    private readonly DeviceBuffer _dy = dy, _y = y, _delta = delta;

    /// <inheritdoc/>
    public static string Name => "attention.backward_delta";

    /// <inheritdoc/>
    public KernelCost Cost => new(2 * _shape.QueryCount, _shape.Bytes(queries: 2, keys: 0, rows: 1));

    /// <inheritdoc/>
    public void Run(CpuContext cpu) =>
        CpuAttentionDelta.Run(cpu, _shape.Rows, _shape.D, CpuContext.Floats(_dy), CpuContext.Floats(_y), CpuContext.Floats(_delta));

    /// <inheritdoc/>
    public void Run(CudaContext cuda) => cuda.LaunchElements(
        AttentionCuda.Delta,
        _shape.Rows,
        new AttentionCuda.DeltaArgs
        {
            Dy = CudaContext.Floats(_dy), Y = CudaContext.Floats(_y), Delta = CudaContext.Floats(_delta), Rows = _shape.Rows, D = _shape.D,
        });
}

/// <summary>The queries' gradient of an attention; the probabilities are computed again, a tile at a time.</summary>
/// <remarks>Computes: p = e^(s - lse), ds = p * (dy v^T - delta), dq = scale * ds k.</remarks>
public readonly unsafe struct AttentionQueryGradKernel(AttentionShape shape, AttentionSaved saved, DeviceBuffer dq, bool accumulate) : IKernel
{
    private readonly AttentionShape _shape = shape;
    private readonly AttentionSaved _saved = saved;
    private readonly DeviceBuffer _dq = dq;
    private readonly bool _accumulate = accumulate;

    /// <inheritdoc/>
    public static string Name => "attention.backward_query";

    /// <inheritdoc/>
    public KernelCost Cost => new(_shape.Flops(products: 3), _shape.Bytes(queries: _accumulate ? 4 : 3, keys: 2, rows: 2));

    /// <inheritdoc/>
    public void Run(CpuContext cpu) => CpuAttention.Run(
        cpu, new CpuAttentionQueryGrad { Of = CpuAttentionOperands.Of(_shape, _saved), Dq = CpuContext.Floats(_dq), Accumulate = _accumulate });

    /// <inheritdoc/>
    public void Run(CudaContext cuda)
    {
        var args = AttentionCuda.Args.Of(_shape, _saved);
        args.Y = CudaContext.Floats(_dq);
        args.AddFirst = _accumulate ? 1 : 0;
        AttentionCuda.Launch(cuda, AttentionGradCuda.Query<GpuTile>, AttentionGradCuda.Query<EmulatorTile>, _shape.Tq, args);
    }
}

/// <summary>The gradients of an attention's keys and values, one of them or both, whose probabilities are the same.</summary>
/// <remarks>Computes: dv = p^T dy; dk = scale * ds^T q with p and ds as in <see cref="AttentionQueryGradKernel"/>.</remarks>
public readonly unsafe struct AttentionKeyValueGradKernel : IKernel
{
    private readonly AttentionShape _shape;
    private readonly AttentionSaved _saved;
    private readonly DeviceBuffer _dk, _dv;
    private readonly bool _needsKey, _needsValue, _addKey, _addValue;

    /// <summary>A launch for these sizes.</summary>
    /// <param name="shape">The sizes.</param>
    /// <param name="needsKey">Whether dk is written.</param>
    /// <param name="needsValue">Whether dv is written.</param>
    /// <param name="saved">What is read; v and delta for dk alone.</param>
    /// <param name="dk">The keys' gradient; may be absent when it is not needed.</param>
    /// <param name="addKey">Add to dk.</param>
    /// <param name="dv">The values' gradient; may be absent when it is not needed.</param>
    /// <param name="addValue">Add to dv.</param>
    public AttentionKeyValueGradKernel(
        AttentionShape shape, bool needsKey, bool needsValue, AttentionSaved saved, DeviceBuffer dk, bool addKey, DeviceBuffer dv, bool addValue)
    {
        (_shape, _needsKey, _needsValue, _saved) = (shape, needsKey, needsValue, saved);
        (_dk, _addKey, _dv, _addValue) = (dk, addKey, dv, addValue);
    }

    /// <inheritdoc/>
    public static string Name => "attention.backward_key_value";

    /// <inheritdoc/>
    public KernelCost Cost
    {
        get
        {
            // The scores serve both; each needs one product more, the keys' gradient also dy v^T.
            int products = 1 + (_needsKey ? 2 : 0) + (_needsValue ? 1 : 0);
            int written = (_needsKey ? _addKey ? 2 : 1 : 0) + (_needsValue ? _addValue ? 2 : 1 : 0);
            return new(_shape.Flops(products), _shape.Bytes(queries: 2, keys: (_needsKey ? 2 : 1) + written, rows: _needsKey ? 2 : 1));
        }
    }

    /// <inheritdoc/>
    public void Run(CpuContext cpu) => CpuAttention.Run(cpu, new CpuAttentionKeyValueGrad
    {
        Of = CpuAttentionOperands.Of(_shape, _saved),
        Dk = _needsKey ? CpuContext.Floats(_dk) : null,
        Dv = _needsValue ? CpuContext.Floats(_dv) : null,
        AddKey = _addKey,
        AddValue = _addValue,
    });

    /// <inheritdoc/>
    public void Run(CudaContext cuda)
    {
        var args = AttentionCuda.Args.Of(_shape, _saved);
        args.Y = CudaContext.Floats(_needsKey ? _dk : default);
        args.Y2 = CudaContext.Floats(_needsValue ? _dv : default);
        args.NeedsFirst = _needsKey ? 1 : 0;
        args.NeedsSecond = _needsValue ? 1 : 0;
        args.AddFirst = _addKey ? 1 : 0;
        args.AddSecond = _addValue ? 1 : 0;
        AttentionCuda.Launch(cuda, AttentionGradCuda.KeyValue<GpuTile>, AttentionGradCuda.KeyValue<EmulatorTile>, _shape.Tk, args);
    }
}

/// <summary>
/// All gradients of an attention in one launch, which computes scores and products of a tile once for all of them: five products instead of
/// seven. For devices on which one worker does a whole head (<see cref="Device.AttentionGradientsTogether"/>).
/// </summary>
/// <remarks>Computes: what <see cref="AttentionQueryGradKernel"/> and <see cref="AttentionKeyValueGradKernel"/> compute, the same bits.</remarks>
public readonly unsafe struct AttentionGradKernel : IKernel
{
    private readonly AttentionShape _shape;
    private readonly AttentionSaved _saved;
    private readonly DeviceBuffer _dq, _dk, _dv;
    private readonly bool _needsValue, _addQuery, _addKey, _addValue;

    /// <summary>A launch for these sizes.</summary>
    /// <param name="shape">The sizes.</param>
    /// <param name="needsValue">Whether dv is written.</param>
    /// <param name="saved">What is read.</param>
    /// <param name="dq">The queries' gradient.</param>
    /// <param name="addQuery">Add to dq.</param>
    /// <param name="dk">The keys' gradient.</param>
    /// <param name="addKey">Add to dk.</param>
    /// <param name="dv">The values' gradient; may be absent when it is not needed.</param>
    /// <param name="addValue">Add to dv.</param>
    public AttentionGradKernel(
        AttentionShape shape, bool needsValue, AttentionSaved saved, DeviceBuffer dq, bool addQuery, DeviceBuffer dk, bool addKey, DeviceBuffer dv, bool addValue)
    {
        (_shape, _needsValue, _saved) = (shape, needsValue, saved);
        (_dq, _addQuery, _dk, _addKey, _dv, _addValue) = (dq, addQuery, dk, addKey, dv, addValue);
    }

    /// <inheritdoc/>
    public static string Name => "attention.backward";

    /// <inheritdoc/>
    public KernelCost Cost => new(
        _shape.Flops(_needsValue ? 5 : 4),
        _shape.Bytes(queries: _addQuery ? 4 : 3, keys: 2 + (_addKey ? 2 : 1) + (_needsValue ? _addValue ? 2 : 1 : 0), rows: 2));

    /// <inheritdoc/>
    public void Run(CpuContext cpu)
    {
        var operands = CpuAttentionOperands.Of(_shape, _saved);
        bool together = _shape.Tk > 0 && CpuAttention.HeadsSuffice(cpu, _shape);
        var keyValue = new CpuAttentionKeyValueGrad
        {
            Of = operands,
            Dq = together ? CpuContext.Floats(_dq) : null,
            Dk = CpuContext.Floats(_dk),
            Dv = _needsValue ? CpuContext.Floats(_dv) : null,
            AddQuery = _addQuery,
            AddKey = _addKey,
            AddValue = _addValue,
        };
        CpuAttention.Run(cpu, keyValue);
        if (!together)
        {
            CpuAttention.Run(cpu, new CpuAttentionQueryGrad { Of = operands, Dq = CpuContext.Floats(_dq), Accumulate = _addQuery });
        }
    }

    /// <inheritdoc/>
    public void Run(CudaContext cuda)
    {
        new AttentionQueryGradKernel(_shape, _saved, _dq, _addQuery).Run(cuda);
        new AttentionKeyValueGradKernel(_shape, true, _needsValue, _saved, _dk, _addKey, _dv, _addValue).Run(cuda);
    }
}
