using ILGPU;

namespace SmartFrz.Kernels.Cuda;

/// <summary>The CUDA bodies of <see cref="Conv2dBackwardInput"/>.</summary>
internal static class Conv2dBackwardInputCuda
{
    public struct Args
    {
        public ArrayView<float> Dy, Weight, Dx;
        public int Accumulate;
        public Conv2dSizes Sizes;
    }

    // Rows are input channels, columns input pixels (n, h, w), the summed axis is (k, r, s). One group owns one tile of one group of
    // channels (grid Z); threads and registers as in TiledProduct.
    [CudaKernel]
    public static void Tiled<TTile>(Args a)
        where TTile : struct, ITileShape
    {
        int extent = TiledProduct.Extent<TTile>();
        int pixels = a.Sizes.N * a.Sizes.HW;
        int across = (pixels + extent - 1) / extent;
        int firstRow = Grid.IdxX / across * extent;
        int firstColumn = Grid.IdxX % across * extent;
        for (int group = Grid.IdxZ; group < a.Sizes.Groups; group += Grid.DimZ)
        {
            var filters = new Filters { View = a.Weight, FirstK = group * a.Sizes.GroupK, Sizes = a.Sizes };
            var reached = new Reached { View = a.Dy, FirstK = group * a.Sizes.GroupK, Sizes = a.Sizes };
            var target = new Target { View = a.Dx, FirstC = group * a.Sizes.GroupC, Accumulate = a.Accumulate, Sizes = a.Sizes };
            TiledProduct.Run<TTile, Filters, Reached, Target>(
                filters, reached, target, a.Sizes.GroupC, pixels, 0, a.Sizes.GroupK * a.Sizes.RS, firstRow, firstColumn);
        }
    }

    // One thread owns every (grid size)-th input element and sums over (k, r, s) itself.
    [CudaKernel]
    public static void Direct(Args a)
    {
        long count = (long)a.Sizes.N * a.Sizes.C * a.Sizes.HW;
        for (long i = Grid.GlobalIndex.X; i < count; i += Grid.DimX * Group.DimX)
        {
            int image = (int)(i / a.Sizes.HW);
            int pixel = (int)(i % a.Sizes.HW);
            int n = image / a.Sizes.C;
            int c = image % a.Sizes.C;
            int y = (pixel / a.Sizes.W) + a.Sizes.PadH;
            int x = (pixel % a.Sizes.W) + a.Sizes.PadW;
            int firstK = c / a.Sizes.GroupC * a.Sizes.GroupK;
            float sum = 0f;
            for (int k = firstK; k < firstK + a.Sizes.GroupK; k++)
            {
                long plane = (((long)n * a.Sizes.K) + k) * a.Sizes.PQ;
                long weight = (((long)k * a.Sizes.GroupC) + (c % a.Sizes.GroupC)) * a.Sizes.RS;
                for (int r = 0; r < a.Sizes.R; r++)
                {
                    for (int s = 0; s < a.Sizes.S; s++)
                    {
                        sum += a.Weight[weight] * a.Sizes.Output(a.Dy, plane, y - (r * a.Sizes.DilationH), x - (s * a.Sizes.DilationW));
                        weight++;
                    }
                }
            }

            a.Dx[i] = a.Accumulate != 0 ? a.Dx[i] + sum : sum;
        }
    }

    /// <summary>The weights of one input channel, over all filters.</summary>
    private struct Filters : ITileSource
    {
        public ArrayView<float> View;
        public int FirstK;
        public Conv2dSizes Sizes;

        public readonly int AlongDepth => 1;

        public readonly TileLine Line(int line)
        {
            TileLine at = default;
            at.Offset = ((long)FirstK * Sizes.Filter) + (line * Sizes.RS);
            return at;
        }

        public readonly float Load(TileLine line, int depth) =>
            View[line.Offset + ((long)(depth / Sizes.RS) * Sizes.Filter) + (depth % Sizes.RS)];
    }

    /// <summary>The output gradients that one input pixel has reached, over all filters.</summary>
    private struct Reached : ITileSource
    {
        public ArrayView<float> View;
        public int FirstK;
        public Conv2dSizes Sizes;

        public readonly int AlongDepth => 0;

        public readonly TileLine Line(int line)
        {
            int n = line / Sizes.HW;
            int pixel = line % Sizes.HW;
            TileLine at;
            at.Offset = (((long)n * Sizes.K) + FirstK) * Sizes.PQ;
            at.Y = (pixel / Sizes.W) + Sizes.PadH;
            at.X = (pixel % Sizes.W) + Sizes.PadW;
            return at;
        }

        public readonly float Load(TileLine line, int depth)
        {
            int k = depth / Sizes.RS;
            int place = depth % Sizes.RS;
            int y = line.Y - (place / Sizes.S * Sizes.DilationH);
            int x = line.X - (place % Sizes.S * Sizes.DilationW);
            return Sizes.Output(View, line.Offset + ((long)k * Sizes.PQ), y, x);
        }
    }

    private struct Target : ITileTarget
    {
        public ArrayView<float> View;
        public int FirstC, Accumulate;
        public Conv2dSizes Sizes;

        public readonly void Store(int row, int column, float value)
        {
            int n = column / Sizes.HW;
            int pixel = column % Sizes.HW;
            long at = ((((long)n * Sizes.C) + FirstC + row) * Sizes.HW) + pixel;
            View[at] = Accumulate != 0 ? View[at] + value : value;
        }
    }
}
