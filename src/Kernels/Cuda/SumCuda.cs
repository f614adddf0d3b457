using ILGPU;

namespace SmartFrz.Kernels.Cuda;

/// <summary>The CUDA bodies of <see cref="SumKernel{TOp}"/> and <see cref="SumFinishKernel"/>. All sums are double, in a fixed order.</summary>
internal static class SumCuda
{
    public struct Args<TOp>
        where TOp : unmanaged, ISumOp
    {
        public ReduceGeometry Geometry;
        public ArrayView<float> X, Y;
        public ArrayView<double> Partials;
        public double Scale;
        public int Accumulate;
        public int IsPartial;
    }

    public struct FinishArgs
    {
        public ArrayView<double> Partials;
        public ArrayView<float> Y;
        public int Columns, Pieces;
        public double Scale;
        public int Accumulate;
    }

    public static void Launch<TOp>(CudaContext cuda, in Args<TOp> args)
        where TOp : unmanaged, ISumOp
    {
        var g = args.Geometry;
        if (g.K3 == 1)
        {
            cuda.LaunchRows(Rows, g.Cells * g.Pieces, args);
            return;
        }

        // 32 columns side by side read whole memory transactions; the emulator's group of 8 is 2 by 4.
        int columns = Math.Min(32, cuda.Group / 4);
        int blocks = (g.K3 + columns - 1) / columns;
        cuda.Launch(Columns, new Index3D(Math.Max(1, g.Cells * g.Pieces * blocks), 1, 1), new Index3D(columns, cuda.Group / columns, 1), args);
    }

    // One group owns one piece of one cell; one thread every (group size)-th term of it.
    [CudaKernel]
    public static void Rows<TOp>(Args<TOp> a)
        where TOp : unmanaged, ISumOp
    {
        var shared = SharedMemory.Allocate<double>(CudaDevice.FullGroup);
        var g = a.Geometry;
        TOp op = default;
        int thread = Group.IdxX, size = Group.DimX;
        int cell = Grid.IdxX / g.Pieces;
        int piece = Grid.IdxX - (cell * g.Pieces);
        int stop = (int)((long)(piece + 1) * g.Terms / g.Pieces);
        double sum = 0;
        if (cell < g.Cells)
        {
            int offset = g.CellOffset(cell);
            for (int t = (int)((long)piece * g.Terms / g.Pieces) + thread; t < stop; t += size)
            {
                sum += op.Apply(a.X[offset + g.TermOffset(t)]);
            }
        }

        shared[thread] = sum;
        Group.Barrier();
        for (int half = size / 2; half > 0; half /= 2)
        {
            if (thread < half)
            {
                shared[thread] += shared[thread + half];
            }

            Group.Barrier();
        }

        if (thread == 0 && cell < g.Cells)
        {
            Write(a.Y, a.Partials, Grid.IdxX, shared[0], a.IsPartial, cell, a.Scale, a.Accumulate);
        }
    }

    // One group owns a block of columns of one piece of one cell: a thread column a result, a thread row every (rows)-th line.
    [CudaKernel]
    public static void Columns<TOp>(Args<TOp> a)
        where TOp : unmanaged, ISumOp
    {
        var shared = SharedMemory.Allocate<double>(CudaDevice.FullGroup);
        var g = a.Geometry;
        TOp op = default;
        int x = Group.IdxX, width = Group.DimX, y = Group.IdxY, height = Group.DimY;
        int blocks = (g.K3 + width - 1) / width;
        int unit = Grid.IdxX / blocks;
        int column = ((Grid.IdxX - (unit * blocks)) * width) + x;
        int cell = unit / g.Pieces;
        int piece = unit - (cell * g.Pieces);
        int stop = (int)((long)(piece + 1) * g.Terms / g.Pieces);
        bool mine = column < g.K3 && cell < g.Cells;
        double sum = 0;
        if (mine)
        {
            int offset = g.CellOffset(cell) + column;
            for (int t = (int)((long)piece * g.Terms / g.Pieces) + y; t < stop; t += height)
            {
                sum += op.Apply(a.X[offset + g.TermOffset(t)]);
            }
        }

        int at = (y * width) + x;
        shared[at] = sum;
        Group.Barrier();
        for (int half = height / 2; half > 0; half /= 2)
        {
            if (y < half)
            {
                shared[at] += shared[at + (half * width)];
            }

            Group.Barrier();
        }

        if (mine && y == 0)
        {
            Write(a.Y, a.Partials, (unit * g.K3) + column, shared[x], a.IsPartial, (cell * g.K3) + column, a.Scale, a.Accumulate);
        }
    }

    // One group owns one result; one thread every (group size)-th partial sum of it.
    [CudaKernel]
    public static void Finish(FinishArgs a)
    {
        var shared = SharedMemory.Allocate<double>(CudaDevice.FullGroup);
        int thread = Group.IdxX;
        int cell = Grid.IdxX / a.Columns;
        int column = Grid.IdxX - (cell * a.Columns);
        double sum = 0;
        for (int p = thread; p < a.Pieces; p += Group.DimX)
        {
            sum += a.Partials[(((cell * a.Pieces) + p) * a.Columns) + column];
        }

        shared[thread] = sum;
        Group.Barrier();
        for (int half = Group.DimX / 2; half > 0; half /= 2)
        {
            if (thread < half)
            {
                shared[thread] += shared[thread + half];
            }

            Group.Barrier();
        }

        if (thread == 0)
        {
            float result = (float)(a.Scale * shared[0]);
            a.Y[Grid.IdxX] = a.Accumulate != 0 ? a.Y[Grid.IdxX] + result : result;
        }
    }

    private static void Write(ArrayView<float> y, ArrayView<double> partials, int partial, double sum, int isPartial, int output, double scale, int accumulate)
    {
        if (isPartial != 0)
        {
            partials[partial] = sum;
            return;
        }

        float result = (float)(scale * sum);
        y[output] = accumulate != 0 ? y[output] + result : result;
    }
}
