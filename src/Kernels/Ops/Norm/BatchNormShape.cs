using System.Runtime.CompilerServices;

namespace SmartFrz.Kernels;

/// <summary>The sizes of a batch normalisation: N samples of C channels, each a plane of that many elements.</summary>
/// <param name="N">Samples.</param>
/// <param name="C">Channels: every one has its own mean, variance, gamma and beta.</param>
/// <param name="Plane">Elements of one channel of one sample: H*W, or 1 for a matrix (N, C).</param>
public readonly record struct BatchNormShape(int N, int C, int Plane)
{
    // Elements of a channel that one CUDA group takes at least (8 for each thread), and groups that fill a GPU once (132
    // multiprocessors of 2048 threads hold about 1000).
    private const int ElementsPerBlock = 2048, WantedGroups = 1024;

    /// <summary>All elements.</summary>
    public long Count => (long)N * C * Plane;

    /// <summary>Elements that one mean and variance are taken over.</summary>
    public long PerChannel => (long)N * Plane;

    /// <summary>Memory for the partial results of a sum over each channel, on either backend.</summary>
    public long PartialBytes => Math.Max(2L * sizeof(double) * Blocks * C, Cpu.CpuBatchNormCut.Of(this).PartialBytes);

    /// <summary>Elements of one sample.</summary>
    internal int Row => C * Plane;

    /// <summary>Pieces that a CUDA kernel cuts each channel into.</summary>
    internal int Blocks => (int)Math.Clamp(Math.Min(PerChannel / ElementsPerBlock, WantedGroups / Math.Max(1, C)), 1, WantedGroups);
}

/// <summary>Where the gradient of a fused ReLU finds out which elements it let through.</summary>
public enum ReluMask
{
    /// <summary>There is no ReLU.</summary>
    None,

    /// <summary>The normalised value is worked out again from the input, which is read anyway.</summary>
    FromInput,

    /// <summary>The sign of the output is read.</summary>
    FromOutput,

    /// <summary>As <see cref="FromInput"/> for ReLU6, which is flat above 6 too.</summary>
    SixFromInput,

    /// <summary>As <see cref="FromOutput"/> for ReLU6: the output is 6 where it was cut off.</summary>
    SixFromOutput,
}

/// <summary>What a <see cref="ReluMask"/> reads.</summary>
internal static class ReluMasks
{
    /// <summary>Whether the output is read.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool ReadsOutput(this ReluMask mask) => mask is ReluMask.FromOutput or ReluMask.SixFromOutput;
}

/// <summary>The rank-one operands of a batch normalisation.</summary>
/// <param name="Gamma">The factor of each channel.</param>
/// <param name="Beta">The term of each channel.</param>
/// <param name="Mean">The mean of each channel.</param>
/// <param name="Spread">1 / sqrt(variance + eps) of each channel, or the variance itself.</param>
/// <param name="Eps">What is added to the variance.</param>
/// <param name="SpreadIsVariance">Whether <paramref name="Spread"/> is the variance (running statistics).</param>
public readonly record struct BatchNormChannels(
    DeviceBuffer Gamma, DeviceBuffer Beta, DeviceBuffer Mean, DeviceBuffer Spread, float Eps, bool SpreadIsVariance);
