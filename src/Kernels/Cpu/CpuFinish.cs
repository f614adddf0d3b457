using System.Runtime.CompilerServices;

namespace SmartFrz.Kernels.Cpu;

/// <summary>
/// What becomes of a convolution's sums before they are stored: a normalisation by fixed statistics, a residual, a ReLU or ReLU6. The same
/// expressions in the same order as <see cref="CpuBatchNormForward"/>, so that both ways give the same bits.
/// </summary>
internal unsafe struct CpuFinish
{
    /// <summary>Of each output channel, from a tile's first one on; the scale is gamma / sqrt(variance + eps).</summary>
    public float* Mean, Scale, Beta;

    /// <summary>Added to the output, laid out as it is; or null.</summary>
    public float* Residual;

    /// <summary>Elements from one channel of the residual to the next.</summary>
    public nint Pitch;

    public Activation Activation;

    /// <summary>The tables from another channel on.</summary>
    public readonly CpuFinish From(int channel) => this with { Mean = Mean + channel, Scale = Scale + channel, Beta = Beta + channel };

    /// <summary>The finished value of a sum of that row; the residual is read where it is told.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly V Of<S, V>(V sum, int row, float* residual)
        where S : struct, ISimd<V>
        where V : unmanaged
        => Of<S, V>(sum, row, Residual != null ? S.Load(residual) : S.Zero);

    /// <summary>As <see cref="Of{S, V}(V, int, float*)"/>, the residual in a register.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly V Of<S, V>(V sum, int row, V residual)
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        V v = Normalise<S, V>(sum, S.Set(Mean[row]), S.Set(Scale[row]), S.Set(Beta[row]));
        return Activate<S, V>(Residual != null ? S.Add(v, residual) : v, Activation);
    }

    /// <summary>(sum - mean) * scale + beta.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Normalise<S, V>(V sum, V mean, V scale, V beta)
        where S : struct, ISimd<V>
        where V : unmanaged
        => S.Fma(S.Sub(sum, mean), scale, beta);

    /// <summary>The activation; NaN stays NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Activate<S, V>(V v, Activation activation)
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        v = activation != Activation.None ? S.Select(S.Greater(S.Zero, v), S.Zero, v) : v;
        return activation == Activation.Relu6 ? S.Select(S.Greater(v, S.Set(6f)), S.Set(6f), v) : v;
    }
}

/// <summary>The operands of a <see cref="CpuFinish"/> as a kernel gets them.</summary>
internal unsafe struct CpuFinishOperands
{
    /// <summary>Of all output channels; the spread is a variance.</summary>
    public float* Gamma, Beta, Mean, Variance;

    public float Eps;

    /// <summary>Laid out as the output; or null.</summary>
    public float* Residual;

    public Activation Activation;

    /// <summary>The tables; <paramref name="memory"/> has room for a number for each channel.</summary>
    public readonly CpuFinish Prepare(float* memory, int channels)
    {
        for (int c = 0; c < channels; c++)
        {
            memory[c] = Gamma[c] * (1f / MathF.Sqrt(Variance[c] + Eps));
        }

        return new CpuFinish { Mean = Mean, Scale = memory, Beta = Beta, Residual = Residual, Activation = Activation };
    }
}
