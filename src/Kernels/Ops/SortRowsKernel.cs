using System.Numerics;
using ILGPU;
using SmartFrz.Kernels.Cpu;
using SmartFrz.Kernels.Cuda;

namespace SmartFrz.Kernels;

/// <summary>Sorts each row in place, the smallest first.</summary>
/// <remarks>
/// Shapes: x (rows, columns).
/// Where NaNs go is not defined.
/// </remarks>
public readonly unsafe struct SortRowsKernel(DeviceBuffer x, int rows, int columns) : IKernel
{
    private readonly DeviceBuffer _x = x;
    private readonly int _rows = rows, _columns = columns;

    /// <inheritdoc/>
    public static string Name => "sort_rows";

    /// <inheritdoc/>
    /// <remarks>A comparison of each element for each halving of the row: what any good sort needs.</remarks>
    public KernelCost Cost => new((long)_rows * _columns * BitOperations.Log2((uint)Math.Max(1, _columns)), 8L * _rows * _columns);

    /// <inheritdoc/>
    public void Run(CpuContext cpu)
    {
        var body = new Rows { X = CpuContext.Floats(_x), Columns = _columns };
        cpu.Pool.For(_rows, 1, ref body);
    }

    /// <inheritdoc/>
    public void Run(CudaContext cuda)
    {
        if (_rows > 0)
        {
            cuda.LaunchRows(SortRowsCuda.Sort, _rows, new SortRowsCuda.Args { X = CudaContext.Floats(_x), Columns = _columns });
        }
    }

    private struct Rows : IParallelBody
    {
        public float* X;
        public int Columns;

        public readonly void Run(int begin, int end, int worker)
        {
            for (int row = begin; row < end; row++)
            {
                new Span<float>(X + ((long)row * Columns), Columns).Sort();
            }
        }
    }
}

/// <summary>The CUDA body of <see cref="SortRowsKernel"/>.</summary>
internal static class SortRowsCuda
{
    public struct Args
    {
        public ArrayView<float> X;
        public int Columns;
    }

    // One group owns a row; one thread every (group size)-th pair of each round of a bitonic sort. Each merge begins with a mirrored
    // round, so that every comparison puts the smaller value in front: what lies behind the row's end counts as infinitely large and
    // is never touched.
    [CudaKernel]
    public static void Sort(Args a)
    {
        long row = (long)Grid.IdxX * a.Columns;
        for (int size = 2; size / 2 < a.Columns; size *= 2)
        {
            int half = size / 2;
            int pairs = (a.Columns + size - 1) / size * half;
            for (int i = Group.IdxX; i < pairs; i += Group.DimX)
            {
                int begin = i / half * size;
                int offset = i % half;
                Order(a, row, begin + offset, begin + size - 1 - offset);
            }

            Group.Barrier();
            for (int gap = half / 2; gap > 0; gap /= 2)
            {
                for (int i = Group.IdxX; i < pairs; i += Group.DimX)
                {
                    int first = (i / gap * 2 * gap) + (i % gap);
                    Order(a, row, first, first + gap);
                }

                Group.Barrier();
            }
        }
    }

    private static void Order(Args a, long row, int first, int second)
    {
        if (second < a.Columns)
        {
            float x = a.X[row + first], y = a.X[row + second];
            if (x > y)
            {
                a.X[row + first] = y;
                a.X[row + second] = x;
            }
        }
    }
}
