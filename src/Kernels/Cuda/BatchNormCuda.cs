using ILGPU;

namespace SmartFrz.Kernels.Cuda;

/// <summary>What the CUDA kernels of batch normalisation share.</summary>
internal static class BatchNormCuda
{
    /// <summary>The rank-one operands of a launch.</summary>
    public struct Channels
    {
        public ArrayView<float> Gamma, Beta, Mean, Spread;
        public float Eps;
        public int SpreadIsVariance;

        public static Channels Of(in BatchNormChannels c) => new()
        {
            Gamma = CudaContext.Floats(c.Gamma),
            Beta = CudaContext.Floats(c.Beta),
            Mean = CudaContext.Floats(c.Mean),
            Spread = CudaContext.Floats(c.Spread),
            Eps = c.Eps,
            SpreadIsVariance = c.SpreadIsVariance ? 1 : 0,
        };

        /// <summary>1 / sqrt(variance + eps) of a channel.</summary>
        public readonly float Rstd(int c) =>
            SpreadIsVariance != 0 ? 1f / ILGPU.Algorithms.XMath.Sqrt(Spread[c] + Eps) : Spread[c];

        /// <summary>The normalised value; the same expression wherever it is needed.</summary>
        public readonly float Normalised(float x, int c) => ((x - Mean[c]) * (Gamma[c] * Rstd(c))) + Beta[c];
    }

    /// <summary>The first element of a piece of a channel.</summary>
    public static int Begin(int block, int blocks, int perChannel) => (int)((long)block * perChannel / blocks);

    /// <summary>The elements of a piece of a channel.</summary>
    public static int Elements(int block, int blocks, int perChannel) => Begin(block + 1, blocks, perChannel) - Begin(block, blocks, perChannel);

    /// <summary>Where the i-th element of a channel lies.</summary>
    public static long Element(int i, int c, int channels, int plane)
    {
        int n = i / plane;
        return ((((long)n * channels) + c) * plane) + (i - (n * plane));
    }

    /// <summary>The channel of an element.</summary>
    public static int ChannelOf(long element, int channels, int plane)
    {
        // A division of 64 bits costs several times one of 32.
        if (element <= int.MaxValue)
        {
            return (int)element / plane % channels;
        }

        return (int)(element / plane % channels);
    }

    /// <summary>The output's gradient where a fused ReLU let its element through, else 0.</summary>
    public static float Masked(float dy, float x, float y, int c, int relu, in Channels channels)
    {
        if (relu == (int)ReluMask.None)
        {
            return dy;
        }

        float v = ReadsOutput(relu) ? y : channels.Normalised(x, c);
        bool six = relu == (int)ReluMask.SixFromInput || relu == (int)ReluMask.SixFromOutput;
        return v > 0f && (!six || v < 6f) ? dy : 0f;
    }

    /// <summary><see cref="ReluMasks.ReadsOutput"/></summary>
    public static bool ReadsOutput(int relu) => relu == (int)ReluMask.FromOutput || relu == (int)ReluMask.SixFromOutput;

    /// <summary>The value behind an <see cref="Activation"/>; NaN stays NaN.</summary>
    public static float Activated(float v, int activation)
    {
        if (activation != (int)Activation.None && v < 0f)
        {
            return 0f;
        }

        return activation == (int)Activation.Relu6 && v > 6f ? 6f : v;
    }
}
