using ILGPU;

namespace SmartFrz.Kernels.Cuda;

/// <summary>The CUDA bodies of <see cref="Conv2dBackwardWeight"/>.</summary>
internal static class Conv2dBackwardWeightCuda
{
    // Pixels that one partial sum covers at least: long enough to pay for its pass through memory, short enough to keep the rounding
    // error of a chain of additions near that of the other kernels.
    private const int PixelsPerPart = 1024;

    // Groups that fill a large GPU several times over (132 multiprocessors, some 8 groups each): more parts bring nothing.
    private const int EnoughGroups = 1056;

    // With small tiles short sums are cut too, so that tests reach the second pass.
    private const int SmallPixelsPerPart = 24;

    public struct Args
    {
        public ArrayView<float> Dy, X, Target;
        public int Accumulate, Parts;
        public Conv2dSizes Sizes;
    }

    public struct SumArgs
    {
        public ArrayView<float> Parts, Dw;
        public int Count, Accumulate;
        public long Weights;
    }

    /// <summary>Into how many partial sums the pixels are cut.</summary>
    public static int PartsOf(in Conv2dShape s, bool smallTiles)
    {
        long pixels = (long)s.N * s.P * s.Q;
        int extent = TiledProduct.Micro * (smallTiles ? EmulatorTile.Side : GpuTile.Side);
        long filter = (long)(s.C / s.Groups) * s.R * s.S;
        long tiles = ((s.K / s.Groups) + extent - 1) / extent * ((filter + extent - 1) / extent) * s.Groups;
        long wanted = Math.Min(pixels / (smallTiles ? SmallPixelsPerPart : PixelsPerPart), EnoughGroups / tiles);
        return (int)Math.Clamp(wanted, 1, CudaContext.MaxGridYZ);
    }

    // Rows are output channels, columns weights (c, r, s) of a filter, the summed axis is the output's pixels (n, p, q). One group owns
    // one tile of one part of the pixels (grid Y) and one group of channels (grid Z); threads and registers as in TiledProduct.
    [CudaKernel]
    public static void Tiled<TTile>(Args a)
        where TTile : struct, ITileShape
    {
        int extent = TiledProduct.Extent<TTile>();
        int across = (a.Sizes.Filter + extent - 1) / extent;
        int firstRow = Grid.IdxX / across * extent;
        int firstColumn = Grid.IdxX % across * extent;
        long pixels = (long)a.Sizes.N * a.Sizes.PQ;
        int begin = (int)(pixels * Grid.IdxY / a.Parts);
        int end = (int)(pixels * (Grid.IdxY + 1) / a.Parts);
        long weights = (long)a.Sizes.K * a.Sizes.Filter;
        for (int group = Grid.IdxZ; group < a.Sizes.Groups; group += Grid.DimZ)
        {
            var planes = new Planes { View = a.Dy, FirstK = group * a.Sizes.GroupK, Sizes = a.Sizes };
            var patches = new Patches { View = a.X, FirstC = group * a.Sizes.GroupC, Sizes = a.Sizes };
            var target = new Target
            {
                View = a.Target,
                Start = (Grid.IdxY * weights) + ((long)group * a.Sizes.GroupK * a.Sizes.Filter),
                Filter = a.Sizes.Filter,
                Accumulate = a.Accumulate,
            };
            TiledProduct.Run<TTile, Planes, Patches, Target>(
                planes, patches, target, a.Sizes.GroupK, a.Sizes.Filter, begin, end, firstRow, firstColumn);
        }
    }

    // One thread owns every (grid size)-th weight and adds its partial sums in their order.
    [CudaKernel]
    public static void Sum(SumArgs a)
    {
        for (long i = Grid.GlobalIndex.X; i < a.Weights; i += Grid.DimX * Group.DimX)
        {
            float sum = 0f;
            for (int part = 0; part < a.Count; part++)
            {
                sum += a.Parts[(part * a.Weights) + i];
            }

            a.Dw[i] = a.Accumulate != 0 ? a.Dw[i] + sum : sum;
        }
    }

    // One group owns one weight (k, c, r, s); its threads take the pixels in strides of the group and add their sums as a tree.
    [CudaKernel]
    public static void Direct(Args a)
    {
        int weight = Grid.IdxX;
        int k = weight / a.Sizes.Filter;
        int rest = weight % a.Sizes.Filter;
        int c = (k / a.Sizes.GroupK * a.Sizes.GroupC) + (rest / a.Sizes.RS);
        int place = rest % a.Sizes.RS;
        int y = (place / a.Sizes.S * a.Sizes.DilationH) - a.Sizes.PadH;
        int x = (place % a.Sizes.S * a.Sizes.DilationW) - a.Sizes.PadW;
        int pixels = a.Sizes.N * a.Sizes.PQ;
        float sum = 0f;
        for (int i = Group.IdxX; i < pixels; i += Group.DimX)
        {
            int n = i / a.Sizes.PQ;
            int pixel = i % a.Sizes.PQ;
            int h = (pixel / a.Sizes.Q * a.Sizes.StrideH) + y;
            int w = (pixel % a.Sizes.Q * a.Sizes.StrideW) + x;
            float dy = a.Dy[((((long)n * a.Sizes.K) + k) * a.Sizes.PQ) + pixel];
            sum += dy * a.Sizes.Input(a.X, (((long)n * a.Sizes.C) + c) * a.Sizes.HW, h, w);
        }

        sum = GroupSum.All(sum);
        if (Group.IdxX == 0)
        {
            a.Target[weight] = a.Accumulate != 0 ? a.Target[weight] + sum : sum;
        }
    }

    /// <summary>The output gradient of one channel, over all images.</summary>
    private struct Planes : ITileSource
    {
        public ArrayView<float> View;
        public int FirstK;
        public Conv2dSizes Sizes;

        public readonly int AlongDepth => 1;

        public readonly TileLine Line(int line)
        {
            TileLine at = default;
            at.Offset = (long)(FirstK + line) * Sizes.PQ;
            return at;
        }

        public readonly float Load(TileLine line, int depth) =>
            View[line.Offset + ((long)(depth / Sizes.PQ) * Sizes.K * Sizes.PQ) + (depth % Sizes.PQ)];
    }

    /// <summary>The input elements that one weight meets, over all output pixels.</summary>
    private struct Patches : ITileSource
    {
        public ArrayView<float> View;
        public int FirstC;
        public Conv2dSizes Sizes;

        public readonly int AlongDepth => 1;

        public readonly TileLine Line(int line)
        {
            int place = line % Sizes.RS;
            TileLine at;
            at.Offset = (long)(FirstC + (line / Sizes.RS)) * Sizes.HW;
            at.Y = (place / Sizes.S * Sizes.DilationH) - Sizes.PadH;
            at.X = (place % Sizes.S * Sizes.DilationW) - Sizes.PadW;
            return at;
        }

        public readonly float Load(TileLine line, int depth)
        {
            int n = depth / Sizes.PQ;
            int pixel = depth % Sizes.PQ;
            int h = (pixel / Sizes.Q * Sizes.StrideH) + line.Y;
            int w = (pixel % Sizes.Q * Sizes.StrideW) + line.X;
            return Sizes.Input(View, line.Offset + ((long)n * Sizes.C * Sizes.HW), h, w);
        }
    }

    private struct Target : ITileTarget
    {
        public ArrayView<float> View;
        public long Start;
        public int Filter, Accumulate;

        public readonly void Store(int row, int column, float value)
        {
            long at = Start + ((long)row * Filter) + column;
            View[at] = Accumulate != 0 ? View[at] + value : value;
        }
    }
}
