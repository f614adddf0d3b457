namespace SmartFrz.Kernels.Cpu;

/// <summary>
/// The factors and terms of each channel, worked out once a launch; written out for each element of a row where vectors run over
/// several channels.
/// </summary>
internal readonly unsafe struct CpuBatchNormTables
{
    private CpuBatchNormTables(float* memory, int length)
    {
        Length = length;
        Mean = memory;
        Scale = memory + length;
        Beta = memory + (2L * length);
        Slope = memory + (3L * length);
        Term = memory + (4L * length);
    }

    /// <summary>Entries: channels, or elements of a row.</summary>
    public int Length { get; }

    public float* Mean { get; }

    /// <summary>gamma * rstd</summary>
    public float* Scale { get; }

    public float* Beta { get; }

    /// <summary>What the gradient of x takes of x - mean.</summary>
    public float* Slope { get; }

    /// <summary>What the gradient of x takes in any case.</summary>
    public float* Term { get; }

    /// <summary>Fills the tables of a launch. Hold the pool's <see cref="CpuPool.Exclusive"/>.</summary>
    /// <param name="pool">Whose shared memory they lie in.</param>
    /// <param name="shape">The sizes.</param>
    /// <param name="channels">The operands; absent ones count as 0.</param>
    /// <param name="sums">The sums of g and of g * xhat, where the batch's own statistics have a gradient; or null.</param>
    /// <param name="products">The second of the two.</param>
    public static CpuBatchNormTables Of(CpuPool pool, BatchNormShape shape, in BatchNormChannels channels, float* sums = null, float* products = null)
    {
        int width = CpuBatchNormCut.IsByColumns(shape) ? shape.Plane : 1;
        var tables = new CpuBatchNormTables(pool.Shared(5L * shape.C * width), shape.C * width);
        float* gamma = CpuContext.Floats(channels.Gamma), beta = CpuContext.Floats(channels.Beta);
        float* mean = CpuContext.Floats(channels.Mean), spread = CpuContext.Floats(channels.Spread);
        for (int c = 0; c < shape.C; c++)
        {
            float rstd = Rstd(spread, c, channels);
            float scale = gamma == null ? 0f : gamma[c] * rstd;
            float slope = 0, term = 0;
            if (sums != null)
            {
                double share = (double)scale / shape.PerChannel;
                slope = (float)(-share * rstd * products[c]);
                term = (float)(-share * sums[c]);
            }

            for (int i = c * width; i < (c + 1) * width; i++)
            {
                tables.Mean[i] = mean == null ? 0f : mean[c];
                tables.Scale[i] = scale;
                tables.Beta[i] = beta == null ? 0f : beta[c];
                tables.Slope[i] = slope;
                tables.Term[i] = term;
            }
        }

        return tables;
    }

    /// <summary>1 / sqrt(variance + eps) of a channel; 0 where there is no spread.</summary>
    public static float Rstd(float* spread, int c, in BatchNormChannels channels) =>
        spread == null ? 0f : channels.SpreadIsVariance ? 1f / MathF.Sqrt(spread[c] + channels.Eps) : spread[c];
}
