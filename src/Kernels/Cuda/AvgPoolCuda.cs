using ILGPU;

namespace SmartFrz.Kernels.Cuda;

/// <summary>The CUDA bodies of <see cref="AvgPoolKernel"/> and <see cref="AvgPoolGradKernel"/>.</summary>
internal static class AvgPoolCuda
{
    public struct Args
    {
        public ArrayView<float> X, Y;
        public PoolAxis Rows, Columns;
        public long Count;
    }

    public struct BackwardArgs
    {
        public ArrayView<float> Dy, Dx;
        public PoolAxis Rows, Columns;
        public long Count;
        public int Accumulate;
    }

    // One thread owns every (grid size)-th output.
    [CudaKernel]
    public static void Forward(Args a)
    {
        for (long o = Grid.GlobalIndex.X; o < a.Count; o += Grid.DimX * Group.DimX)
        {
            long row = o / a.Columns.Outputs, plane = row / a.Rows.Outputs;
            int p = (int)(row - (plane * a.Rows.Outputs)), q = (int)(o - (row * a.Columns.Outputs));
            int bottom = a.Rows.End(p), left = a.Columns.Begin(q), right = a.Columns.End(q);
            float sum = 0f;
            for (int h = a.Rows.Begin(p); h < bottom; h++)
            {
                long x = ((plane * a.Rows.Size) + h) * a.Columns.Size;
                for (int w = left; w < right; w++)
                {
                    sum += a.X[x + w];
                }
            }

            a.Y[o] = sum / (a.Rows.Extent(p) * a.Columns.Extent(q));
        }
    }

    // One group owns a plane; one thread every (group size)-th element of it.
    [CudaKernel]
    public static void Global(Args a)
    {
        int size = a.Rows.Size * a.Columns.Size;
        long x = (long)Grid.IdxX * size;
        float sum = 0f;
        for (int i = Group.IdxX; i < size; i += Group.DimX)
        {
            sum += a.X[x + i];
        }

        sum = GroupSum.All(sum);
        if (Group.IdxX == 0)
        {
            a.Y[Grid.IdxX] = sum / size;
        }
    }

    // One thread owns every (grid size)-th input element, and adds the shares of the windows over it in order.
    [CudaKernel]
    public static void Backward(BackwardArgs a)
    {
        for (long i = Grid.GlobalIndex.X; i < a.Count; i += Grid.DimX * Group.DimX)
        {
            long row = i / a.Columns.Size, plane = row / a.Rows.Size;
            int h = (int)(row - (plane * a.Rows.Size)), w = (int)(i - (row * a.Columns.Size));
            int lastP = a.Rows.Last(h), firstQ = a.Columns.First(w), lastQ = a.Columns.Last(w);
            float sum = 0f;
            for (int p = a.Rows.First(h); p <= lastP; p++)
            {
                long dy = ((plane * a.Rows.Outputs) + p) * a.Columns.Outputs;
                for (int q = firstQ; q <= lastQ; q++)
                {
                    sum += a.Dy[dy + q] / (a.Rows.Extent(p) * a.Columns.Extent(q));
                }
            }

            a.Dx[i] = a.Accumulate != 0 ? a.Dx[i] + sum : sum;
        }
    }
}
