using ILGPU;

namespace SmartFrz.Kernels.Cuda;

/// <summary>The CUDA body of <see cref="Conv2dNormForward"/>: the product of <see cref="Conv2dForwardCuda"/> with another ending.</summary>
internal static class Conv2dNormCuda
{
    public struct Args
    {
        public ArrayView<float> X, Weight;
        public Target Target;
        public Conv2dSizes Sizes;
    }

    // As Conv2dForwardCuda.Tiled.
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
            var filters = new Conv2dForwardCuda.Filters { View = a.Weight, FirstK = group * a.Sizes.GroupK, Length = a.Sizes.Filter };
            var patches = new Conv2dForwardCuda.Patches { View = a.X, FirstC = group * a.Sizes.GroupC, Sizes = a.Sizes };
            var target = a.Target;
            target.FirstK = group * a.Sizes.GroupK;
            TiledProduct.Run<TTile, Conv2dForwardCuda.Filters, Conv2dForwardCuda.Patches, Target>(
                filters, patches, target, a.Sizes.GroupK, pixels, 0, a.Sizes.Filter, firstRow, firstColumn);
        }
    }

    /// <summary>Normalises, adds the residual, cuts off and stores.</summary>
    public struct Target : ITileTarget
    {
        public ArrayView<float> View, Bias, Residual;
        public BatchNormCuda.Channels Channels;
        public int HasBias, HasResidual, Activation, FirstK, K, PQ;

        public readonly void Store(int row, int column, float value)
        {
            int n = column / PQ;
            int k = FirstK + row;
            long at = ((((long)n * K) + k) * PQ) + (column % PQ);
            float sum = HasBias != 0 ? value + Bias[k] : value;
            float v = Channels.Normalised(sum, k);
            if (HasResidual != 0)
            {
                v += Residual[at];
            }

            View[at] = BatchNormCuda.Activated(v, Activation);
        }
    }
}
