using ILGPU;
using SmartFrz.Kernels.Cpu;
using SmartFrz.Kernels.Cuda;

namespace SmartFrz.Kernels;

/// <summary>y[i, :] = table[index[i], :]; zeros for an index outside the table.</summary>
/// <param name="table">The table, rows by columns.</param>
/// <param name="index">The rows to take, 32-bit integers.</param>
/// <param name="y">The rows taken.</param>
/// <param name="rows">Rows of the table.</param>
/// <param name="columns">Columns of the table and of y.</param>
/// <param name="count">Rows taken.</param>
public readonly unsafe struct GatherRowsKernel(DeviceBuffer table, DeviceBuffer index, DeviceBuffer y, int rows, int columns, int count) : IKernel
{
    private readonly DeviceBuffer _table = table, _index = index, _y = y;
    private readonly int _rows = rows, _columns = columns, _count = count;

    /// <inheritdoc/>
    public static string Name => "gather_rows";

    /// <inheritdoc/>
    public KernelCost Cost => new(0, sizeof(float) * (_count + (2L * _count * _columns)));

    /// <inheritdoc/>
    public void Run(CpuContext cpu)
    {
        // Some 16k elements are worth a fork.
        const int ElementsPerPiece = 16384;
        var body = new GatherRowsCpu
        {
            Table = CpuContext.Floats(_table),
            Index = CpuContext.Pointer<int>(_index),
            Y = CpuContext.Floats(_y),
            Rows = _rows,
            Columns = _columns,
        };
        cpu.Pool.For(_count, Math.Max(1, ElementsPerPiece / Math.Max(1, _columns)), ref body);
    }

    /// <inheritdoc/>
    public void Run(CudaContext cuda) =>
        cuda.LaunchElements(
            GatherRowsCuda.Gather,
            (long)_count * _columns,
            new GatherRowsCuda.Args
            {
                Table = CudaContext.Floats(_table),
                Index = CudaContext.View<int>(_index),
                Y = CudaContext.Floats(_y),
                Rows = _rows,
                Columns = _columns,
                Count = _count,
            });
}

/// <summary>
/// dtable[r, :] = the sum of dy[i, :] over all i with index[i] = r, in the order of i; or dtable += that. An index outside the table
/// adds to nothing, nor does the one of padding.
/// </summary>
/// <param name="dy">The gradient of the rows taken.</param>
/// <param name="index">The rows that were taken.</param>
/// <param name="table">The gradient of the table.</param>
/// <param name="rows">Rows of the table.</param>
/// <param name="columns">Columns.</param>
/// <param name="count">Rows taken.</param>
/// <param name="accumulate">Add to the gradient of the table.</param>
/// <param name="padding">The row that has no gradient; -1 for none.</param>
public readonly unsafe struct ScatterRowsKernel(
    DeviceBuffer dy, DeviceBuffer index, DeviceBuffer table, int rows, int columns, int count, bool accumulate = false, int padding = -1)
    : IKernel
{
    private readonly DeviceBuffer _dy = dy, _index = index, _table = table;
    private readonly int _rows = rows, _columns = columns, _count = count, _padding = padding;
    private readonly bool _accumulate = accumulate;

    /// <inheritdoc/>
    public static string Name => "gather_rows.backward";

    /// <inheritdoc/>
    public KernelCost Cost => new(
        (long)_count * _columns,
        sizeof(float) * (_count + ((long)_count * _columns) + (_accumulate ? 2L * Math.Min(_count, _rows) : _rows) * _columns));

    /// <inheritdoc/>
    public void Run(CpuContext cpu)
    {
        // A thread owns a strip of columns and goes through all rows: the order of a sum is that of the indices. A strip is at least a
        // cache line wide, and some 16k elements are worth a fork.
        const int ElementsPerPiece = 16384, LineFloats = 16;
        int lines = (_columns + LineFloats - 1) / LineFloats;
        var body = new ScatterRowsCpu
        {
            Dy = CpuContext.Floats(_dy),
            Index = CpuContext.Pointer<int>(_index),
            Table = CpuContext.Floats(_table),
            Rows = _rows,
            Columns = _columns,
            Count = _count,
            Strip = LineFloats,
            Padding = _padding,
            Accumulate = _accumulate,
        };
        cpu.Pool.For(lines, Math.Max(1, ElementsPerPiece / (LineFloats * Math.Max(1, _count))), ref body);
    }

    /// <inheritdoc/>
    public void Run(CudaContext cuda) =>
        cuda.LaunchRows(GatherRowsCuda.Scatter, _rows, new GatherRowsCuda.ScatterArgs
        {
            Dy = CudaContext.Floats(_dy),
            Index = CudaContext.View<int>(_index),
            Table = CudaContext.Floats(_table),
            Rows = _rows,
            Columns = _columns,
            Count = _count,
            Padding = _padding,
            Accumulate = _accumulate ? 1 : 0,
        });
}

/// <summary>The CPU body of <see cref="GatherRowsKernel"/>: a range of taken rows.</summary>
internal unsafe struct GatherRowsCpu : IParallelBody
{
    public float* Table, Y;
    public int* Index;
    public int Rows, Columns;

    public readonly void Run(int begin, int end, int worker)
    {
        for (int i = begin; i < end; i++)
        {
            var y = new Span<float>(Y + ((long)i * Columns), Columns);
            int row = Index[i];
            if (row >= 0 && row < Rows)
            {
                new ReadOnlySpan<float>(Table + ((long)row * Columns), Columns).CopyTo(y);
            }
            else
            {
                y.Clear();
            }
        }
    }
}

/// <summary>The CPU body of <see cref="ScatterRowsKernel"/>: a range of strips of columns.</summary>
internal unsafe struct ScatterRowsCpu : IParallelBody
{
    public float* Dy, Table;
    public int* Index;
    public int Rows, Columns, Count, Strip, Padding;
    public bool Accumulate;

    public readonly void Run(int begin, int end, int worker)
    {
        int first = begin * Strip, columns = Math.Min(Columns, end * Strip) - first;
        for (int row = 0; row < Rows && !Accumulate; row++)
        {
            new Span<float>(Table + ((long)row * Columns) + first, columns).Clear();
        }

        for (int i = 0; i < Count; i++)
        {
            int row = Index[i];
            if (row >= 0 && row < Rows && row != Padding)
            {
                float* from = Dy + ((long)i * Columns) + first, to = Table + ((long)row * Columns) + first;
                for (int c = 0; c < columns; c++)
                {
                    to[c] += from[c];
                }
            }
        }
    }
}

/// <summary>The CUDA bodies of <see cref="GatherRowsKernel"/> and <see cref="ScatterRowsKernel"/>.</summary>
internal static class GatherRowsCuda
{
    public struct Args
    {
        public ArrayView<float> Table, Y;
        public ArrayView<int> Index;
        public int Rows, Columns, Count;
    }

    public struct ScatterArgs
    {
        public ArrayView<float> Dy, Table;
        public ArrayView<int> Index;
        public int Rows, Columns, Count, Padding;
        public int Accumulate;
    }

    // One thread owns every (grid size)-th element of y.
    [CudaKernel]
    public static void Gather(Args a)
    {
        long count = (long)a.Count * a.Columns;
        for (long i = Grid.GlobalIndex.X; i < count; i += Grid.DimX * Group.DimX)
        {
            long taken = i / a.Columns;
            int row = a.Index[taken];
            float y = 0f;
            if (row >= 0 && row < a.Rows)
            {
                y = a.Table[((long)row * a.Columns) + i - (taken * a.Columns)];
            }

            a.Y[i] = y;
        }
    }

    // One group owns one row of the table and looks through all indices for it; one thread every (group size)-th column.
    [CudaKernel]
    public static void Scatter(ScatterArgs a)
    {
        int row = Grid.IdxX;
        if (row >= a.Rows)
        {
            return;
        }

        for (int c = Group.IdxX; c < a.Columns; c += Group.DimX)
        {
            bool hit = false;
            long at = ((long)row * a.Columns) + c;
            float sum = 0f;
            for (int i = 0; i < a.Count; i++)
            {
                if (a.Index[i] == row && row != a.Padding)
                {
                    sum += a.Dy[((long)i * a.Columns) + c];
                    hit = true;
                }
            }

            if (a.Accumulate == 0)
            {
                a.Table[at] = sum;
            }
            else if (hit)
            {
                a.Table[at] += sum;
            }
        }
    }
}
