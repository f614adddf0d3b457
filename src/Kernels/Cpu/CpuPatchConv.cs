using System.Runtime.CompilerServices;

namespace SmartFrz.Kernels.Cpu;

/// <summary>
/// Convolutions that cut the image into patches: the stride is the filter, nothing overlaps and nothing is padded, as where a vision
/// transformer embeds its patches. A patch is a row of a matrix, [images * patches, C * R * S], and all three passes are plain products.
/// </summary>
internal static unsafe class CpuPatchConv
{
    // A patch of fewer pixels is served by the taps' own kernels, and short sums do not pay for the rearrangement.
    private const int LeastPixels = 4, LeastDepth = 64;

    /// <summary>Whether a convolution is one of these.</summary>
    public static bool Fits(in Conv2dShape s) =>
        s.Groups == 1 && s.StrideH == s.R && s.StrideW == s.S && s.PadH == 0 && s.PadW == 0 && s.DilationH == 1 && s.DilationW == 1
        && s.R * s.S >= LeastPixels && s.C * s.R * s.S >= LeastDepth;

    /// <summary>y = x * w + bias.</summary>
    public static void Forward(CpuPool pool, CpuIsa isa, in Conv2dShape s, float* x, float* w, float* bias, float* y)
    {
        using var alone = pool.Exclusive();
        var patches = new Body(pool, s) { Image = x };
        patches.Move(pool);
        int pixels = s.P * s.Q;
        if (bias != null)
        {
            var start = new BiasBody { Y = y, Bias = bias, Channels = s.K, Pixels = pixels };
            pool.For(s.N * s.K, Math.Max(1, 16 * 1024 / pixels), ref start);
        }

        CpuGemm.Run(
            pool,
            isa,
            new GemmShape(s.K, pixels, patches.Depth, false, true, bias != null, s.N, 0, (long)pixels * patches.Depth, (long)s.K * pixels),
            w,
            patches.Patches,
            y);
    }

    /// <summary>dx = the gradient of x, or dx += it.</summary>
    public static void BackwardInput(CpuPool pool, CpuIsa isa, in Conv2dShape s, float* dy, float* w, float* dx, bool accumulate)
    {
        using var alone = pool.Exclusive();
        var patches = new Body(pool, s) { Image = dx, Back = true, Accumulate = accumulate };
        int pixels = s.P * s.Q;
        CpuGemm.Run(
            pool,
            isa,
            new GemmShape(pixels, patches.Depth, s.K, true, false, false, s.N, (long)s.K * pixels, 0, (long)pixels * patches.Depth),
            dy,
            w,
            patches.Patches);
        patches.Move(pool);
    }

    /// <summary>dw = the gradient of w, or dw += it: image after image.</summary>
    public static void BackwardWeight(CpuPool pool, CpuIsa isa, in Conv2dShape s, float* x, float* dy, float* dw, bool accumulate)
    {
        using var alone = pool.Exclusive();
        var patches = new Body(pool, s) { Image = x };
        patches.Move(pool);
        int pixels = s.P * s.Q;
        for (int n = 0; n < s.N; n++)
        {
            CpuGemm.Run(
                pool,
                isa,
                new GemmShape(s.K, patches.Depth, pixels, false, false, accumulate || n > 0),
                dy + ((long)n * s.K * pixels),
                patches.Patches + ((long)n * pixels * patches.Depth),
                dw);
        }
    }

    // One index is a row of patches of one image: into the matrix, or back from it.
    private struct Body(CpuPool pool, Conv2dShape shape) : IParallelBody
    {
        public readonly float* Patches = pool.Staging(shape.N * (long)shape.P * shape.Q * shape.C * shape.R * shape.S);
        public readonly int Depth = shape.C * shape.R * shape.S;
        public float* Image;
        public bool Back, Accumulate;

        public void Move(CpuPool pool)
        {
            if (Back && !Accumulate && (shape.H != shape.P * shape.R || shape.W != shape.Q * shape.S))
            {
                // Pixels past the last whole patch.
                for (long i = 0; i < shape.InputCount; i++)
                {
                    Image[i] = 0f;
                }
            }

            pool.For(shape.N * shape.P, Math.Max(1, 16 * 1024 / (Depth * shape.Q)), ref this);
        }

        [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
        public readonly void Run(int begin, int end, int worker)
        {
            int run = shape.S;
            for (int i = begin; i < end; i++)
            {
                int image = i / shape.P, p = i % shape.P;
                float* row = Patches + ((long)i * shape.Q * Depth);
                for (int c = 0; c < shape.C; c++)
                {
                    for (int r = 0; r < shape.R; r++)
                    {
                        float* line = Image + (((((long)image * shape.C) + c) * shape.H) + (p * shape.R) + r) * shape.W;
                        float* patch = row + (((c * shape.R) + r) * run);
                        for (int q = 0; q < shape.Q; q++, line += run, patch += Depth)
                        {
                            if (!Back)
                            {
                                CpuPanels.CopyRun(line, patch, run);
                            }
                            else if (!Accumulate)
                            {
                                CpuPanels.CopyRun(patch, line, run);
                            }
                            else
                            {
                                for (int j = 0; j < run; j++)
                                {
                                    line[j] += patch[j];
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    // One index is a channel of an image.
    private struct BiasBody : IParallelBody
    {
        public float* Y, Bias;
        public int Channels, Pixels;

        public readonly void Run(int begin, int end, int worker)
        {
            for (int i = begin; i < end; i++)
            {
                new Span<float>(Y + ((long)i * Pixels), Pixels).Fill(Bias[i % Channels]);
            }
        }
    }
}
