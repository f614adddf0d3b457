using ILGPU;

namespace SmartFrz.Kernels.Cuda;

/// <summary>The CUDA body of <see cref="GemmKernel"/>.</summary>
internal static class GemmCuda
{
    public struct Args
    {
        public MatrixSource A, B;
        public ArrayView<float> C, Bias;
        public int HasBias, M, N, K, Batch, Accumulate;
        public long StrideC;
    }

    /// <summary>A matrix as lines of the summed axis.</summary>
    /// <param name="view">Its elements.</param>
    /// <param name="linesInside">Whether neighbouring lines, not neighbours on the summed axis, are neighbours in memory.</param>
    /// <param name="lines">Rows of op(A), columns of op(B).</param>
    /// <param name="depth">The summed axis.</param>
    /// <param name="batchStride">Elements from one matrix of the batch to the next.</param>
    public static MatrixSource Operand(ArrayView<float> view, bool linesInside, int lines, int depth, long batchStride) => new()
    {
        View = view,
        LineStep = linesInside ? 1 : depth,
        DepthStep = linesInside ? lines : 1,
        AlongDepth = linesInside ? 0 : 1,
        BatchStride = batchStride,
    };

    // One group owns one tile of C of one product of the batch (the tiles of C are numbered along its rows); threads and registers
    // as in TiledProduct.
    [CudaKernel]
    public static void Multiply<TTile>(Args a)
        where TTile : struct, ITileShape
    {
        int extent = TiledProduct.Extent<TTile>();
        int across = (a.N + extent - 1) / extent;
        int firstRow = Grid.IdxX / across * extent;
        int firstColumn = Grid.IdxX % across * extent;
        for (int batch = Grid.IdxZ; batch < a.Batch; batch += Grid.DimZ)
        {
            var left = a.A;
            left.Start = batch * left.BatchStride;
            var right = a.B;
            right.Start = batch * right.BatchStride;
            var target = new MatrixTarget
            {
                View = a.C, Bias = a.Bias, HasBias = a.HasBias, Columns = a.N, Start = batch * a.StrideC, Accumulate = a.Accumulate,
            };
            TiledProduct.Run<TTile, MatrixSource, MatrixSource, MatrixTarget>(left, right, target, a.M, a.N, 0, a.K, firstRow, firstColumn);
        }
    }

    public struct MatrixSource : ITileSource
    {
        public ArrayView<float> View;
        public long Start, BatchStride;
        public int LineStep, DepthStep;

        public int AlongDepth { get; set; }

        public readonly TileLine Line(int line)
        {
            TileLine at = default;
            at.Offset = Start + ((long)line * LineStep);
            return at;
        }

        public readonly float Load(TileLine line, int depth) => View[line.Offset + ((long)depth * DepthStep)];
    }

    private struct MatrixTarget : ITileTarget
    {
        public ArrayView<float> View, Bias;
        public long Start;
        public int Columns, HasBias, Accumulate;

        public readonly void Store(int row, int column, float value)
        {
            long at = Start + ((long)row * Columns) + column;
            float y = HasBias != 0 ? value + Bias[column] : value;
            View[at] = Accumulate != 0 ? View[at] + y : y;
        }
    }
}
