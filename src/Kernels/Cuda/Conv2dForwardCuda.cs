using ILGPU;

namespace SmartFrz.Kernels.Cuda;

/// <summary>The CUDA bodies of <see cref="Conv2dForward"/>: a product of the filters with the input's patches, or direct.</summary>
internal static class Conv2dForwardCuda
{
    public struct Args
    {
        public ArrayView<float> X, Weight, Bias, Y;
        public int HasBias;
        public Conv2dSizes Sizes;
    }

    // Rows are output channels, columns output pixels (n, p, q), the summed axis is (c, r, s). One group owns one tile of one group of
    // channels (grid Z); threads and registers as in TiledProduct.
    [CudaKernel]
    public static void Tiled<TTile>(Args a)
        where TTile : struct, ITileShape
    {
        int extent = TiledProduct.Extent<TTile>();
        int pixels = a.Sizes.N * a.Sizes.PQ;
        int across = (pixels + extent - 1) / extent;
        int firstRow = Grid.IdxX / across * extent;
        int firstColumn = Grid.IdxX % across * extent;
        for (int group = Grid.IdxZ; group < a.Sizes.Groups; group += Grid.DimZ)
        {
            var filters = new Filters { View = a.Weight, FirstK = group * a.Sizes.GroupK, Length = a.Sizes.Filter };
            var patches = new Patches { View = a.X, FirstC = group * a.Sizes.GroupC, Sizes = a.Sizes };
            var target = new Target { View = a.Y, Bias = a.Bias, HasBias = a.HasBias, FirstK = group * a.Sizes.GroupK, Sizes = a.Sizes };
            TiledProduct.Run<TTile, Filters, Patches, Target>(
                filters, patches, target, a.Sizes.GroupK, pixels, 0, a.Sizes.Filter, firstRow, firstColumn);
        }
    }

    // One thread owns every (grid size)-th output element and sums over (c, r, s) itself.
    [CudaKernel]
    public static void Direct(Args a)
    {
        long count = (long)a.Sizes.N * a.Sizes.K * a.Sizes.PQ;
        for (long i = Grid.GlobalIndex.X; i < count; i += Grid.DimX * Group.DimX)
        {
            int image = (int)(i / a.Sizes.PQ);
            int pixel = (int)(i % a.Sizes.PQ);
            int n = image / a.Sizes.K;
            int k = image % a.Sizes.K;
            int h = (pixel / a.Sizes.Q * a.Sizes.StrideH) - a.Sizes.PadH;
            int w = (pixel % a.Sizes.Q * a.Sizes.StrideW) - a.Sizes.PadW;
            long plane = (((long)n * a.Sizes.C) + (k / a.Sizes.GroupK * a.Sizes.GroupC)) * a.Sizes.HW;
            long weight = (long)k * a.Sizes.Filter;
            float sum = 0f;
            for (int c = 0; c < a.Sizes.GroupC; c++)
            {
                for (int r = 0; r < a.Sizes.R; r++)
                {
                    for (int s = 0; s < a.Sizes.S; s++)
                    {
                        sum += a.Weight[weight] * a.Sizes.Input(a.X, plane, h + (r * a.Sizes.DilationH), w + (s * a.Sizes.DilationW));
                        weight++;
                    }
                }

                plane += a.Sizes.HW;
            }

            a.Y[i] = a.HasBias != 0 ? sum + a.Bias[k] : sum;
        }
    }

    /// <summary>A filter, from its first weight to its last.</summary>
    internal struct Filters : ITileSource
    {
        public ArrayView<float> View;
        public int FirstK, Length;

        public readonly int AlongDepth => 1;

        public readonly TileLine Line(int line)
        {
            TileLine at = default;
            at.Offset = (long)(FirstK + line) * Length;
            return at;
        }

        public readonly float Load(TileLine line, int depth) => View[line.Offset + depth];
    }

    /// <summary>The patch of the input that one output pixel sees.</summary>
    internal struct Patches : ITileSource
    {
        public ArrayView<float> View;
        public int FirstC;
        public Conv2dSizes Sizes;

        public readonly int AlongDepth => 0;

        public readonly TileLine Line(int line)
        {
            int n = line / Sizes.PQ;
            int pixel = line % Sizes.PQ;
            TileLine at;
            at.Offset = (((long)n * Sizes.C) + FirstC) * Sizes.HW;
            at.Y = (pixel / Sizes.Q * Sizes.StrideH) - Sizes.PadH;
            at.X = (pixel % Sizes.Q * Sizes.StrideW) - Sizes.PadW;
            return at;
        }

        public readonly float Load(TileLine line, int depth)
        {
            int c = depth / Sizes.RS;
            int place = depth % Sizes.RS;
            int h = line.Y + (place / Sizes.S * Sizes.DilationH);
            int w = line.X + (place % Sizes.S * Sizes.DilationW);
            return Sizes.Input(View, line.Offset + ((long)c * Sizes.HW), h, w);
        }
    }

    private struct Target : ITileTarget
    {
        public ArrayView<float> View, Bias;
        public int HasBias, FirstK;
        public Conv2dSizes Sizes;

        public readonly void Store(int row, int column, float value)
        {
            int n = column / Sizes.PQ;
            int pixel = column % Sizes.PQ;
            int k = FirstK + row;
            View[((((long)n * Sizes.K) + k) * Sizes.PQ) + pixel] = HasBias != 0 ? value + Bias[k] : value;
        }
    }
}
