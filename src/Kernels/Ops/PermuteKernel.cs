using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using ILGPU;
using SmartFrz.Kernels.Cpu;
using SmartFrz.Kernels.Cuda;

namespace SmartFrz.Kernels;

/// <summary>y = x with its axes in another order, or y += that.</summary>
/// <remarks>
/// When the innermost axis stays innermost, rows are copied. Otherwise square tiles of (the axis innermost in x, the one innermost
/// in y) are transposed in fast memory, so that both sides are read and written along their rows.
/// </remarks>
public readonly unsafe struct PermuteKernel : IKernel
{
    private readonly StridedPair _walk;
    private readonly DeviceBuffer _x, _y;
    private readonly bool _accumulate;

    /// <summary>Axis i of y is axis <paramref name="order"/>[i] of x.</summary>
    public PermuteKernel(ReadOnlySpan<int> shapeOfX, ReadOnlySpan<int> order, DeviceBuffer x, DeviceBuffer y, bool accumulate = false)
    {
        Span<int> source = stackalloc int[order.Length], extents = stackalloc int[order.Length];
        Span<int> first = stackalloc int[order.Length], second = stackalloc int[order.Length];
        StridedPair.RowMajorStrides(shapeOfX, source);
        for (int i = 0; i < order.Length; i++)
        {
            extents[i] = shapeOfX[order[i]];
            first[i] = source[order[i]];
        }

        StridedPair.RowMajorStrides(extents, second);
        _walk = StridedPair.Of(extents, first, second);
        (_x, _y, _accumulate) = (x, y, accumulate);
    }

    /// <inheritdoc/>
    public static string Name => "permute";

    /// <inheritdoc/>
    public KernelCost Cost => KernelCost.Elementwise(_walk.Elements, 1, _accumulate ? 3 : 2);

    /// <inheritdoc/>
    public void Run(CpuContext cpu)
    {
        float* x = CpuContext.Floats(_x), y = CpuContext.Floats(_y);
        if (Tiled(out int row))
        {
            var body = new TransposeCpu { Outer = Without(row), Tile = TileOf(row), X = x, Y = y, Accumulate = _accumulate };

            // Some 16k elements are worth a fork.
            const int ElementsPerPiece = 16384;
            int units = (int)body.Outer.Elements * body.Tile.RowTiles(TransposeCpu.TileSize);
            cpu.Pool.For(units, (int)Math.Clamp(ElementsPerPiece * (long)units / Math.Max(1, _walk.Elements), 1, int.MaxValue), ref body);
            return;
        }

        new StridedLoop<StridedCopySegment>(new StridedCopySegment { X = x, Y = y, Accumulate = _accumulate }, cpu, _walk).Run();
    }

    /// <inheritdoc/>
    public void Run(CudaContext cuda)
    {
        var (x, y) = (CudaContext.Floats(_x), CudaContext.Floats(_y));
        int accumulate = _accumulate ? 1 : 0, count = (int)_walk.Elements;
        if (Tiled(out int row) && count > 0)
        {
            var args = new TransposeCuda.Args { Outer = Without(row), Tile = TileOf(row), X = x, Y = y, Accumulate = accumulate };
            int size = cuda.UsesSmallTiles ? TransposeCuda.EmulatedTile : TransposeCuda.FullTile;
            int tiles = (int)args.Outer.Elements * args.Tile.RowTiles(size) * args.Tile.ColumnTiles(size);
            cuda.Launch(TransposeCuda.Apply, new Index3D(tiles, 1, 1), new Index3D(size, cuda.Group / size, 1), args);
            return;
        }

        cuda.LaunchElements(StridedCopyCuda.Apply, count, new StridedCopyCuda.Args { Walk = _walk, X = x, Y = y, Count = count, Accumulate = accumulate });
    }

    // Whether the innermost axis of y is not innermost in x; then row is the walk's axis that is.
    private bool Tiled(out int row)
    {
        row = Axes.Count - 1;
        while (row > Axes.Count - _walk.Rank && _walk.First[row] != 1)
        {
            row--;
        }

        return row < Axes.Count - 1 && _walk.First[row] == 1;
    }

    private StridedPair Without(int row)
    {
        var outer = _walk;
        outer.Extents[row] = outer.Extents[Axes.Count - 1] = 1;
        outer.First[row] = outer.First[Axes.Count - 1] = 0;
        outer.Second[row] = outer.Second[Axes.Count - 1] = 0;
        return outer;
    }

    private TransposeTile TileOf(int row) => new()
    {
        Rows = _walk.Extents[row],
        Columns = _walk.Extents.A5,
        PitchOfX = _walk.First.A5,
        PitchOfY = _walk.Second[row],
    };
}

/// <summary>A matrix that lies the other way round in y: x[column * PitchOfX + row] goes to y[row * PitchOfY + column].</summary>
internal struct TransposeTile
{
    public int Rows, Columns, PitchOfX, PitchOfY;

    public readonly int RowTiles(int size) => (Rows + size - 1) / size;

    public readonly int ColumnTiles(int size) => (Columns + size - 1) / size;
}

/// <summary>The CPU body of a transposing <see cref="PermuteKernel"/>: a unit is one strip of tiles of one matrix.</summary>
internal unsafe struct TransposeCpu : IParallelBody
{
    // 16 floats are a cache line: both sides move whole lines. The tile is turned in a buffer of its own, because lines a power of two
    // apart share a set of the cache and would push each other out.
    public const int TileSize = 16;

    public StridedPair Outer;
    public TransposeTile Tile;
    public float* X, Y;
    public bool Accumulate;

    [SkipLocalsInit]
    public readonly void Run(int begin, int end, int worker)
    {
        float* turned = stackalloc float[TileSize * TileSize];
        int strips = Tile.RowTiles(TileSize);
        for (int unit = begin; unit < end; unit++)
        {
            var at = Outer.At(unit / strips);
            for (int column = 0; column < Tile.Columns; column += TileSize)
            {
                Turn(X + at.First, Y + at.Second, unit % strips * TileSize, column, turned);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Turn(float* x, float* y, int row, int column, float* turned)
    {
        int rows = Math.Min(TileSize, Tile.Rows - row), columns = Math.Min(TileSize, Tile.Columns - column);
        long pitchOfX = Tile.PitchOfX, pitchOfY = Tile.PitchOfY;
        CpuPanels.Transpose(x + (column * pitchOfX) + row, (nint)pitchOfX, columns, rows, turned, TileSize);
        y += (row * pitchOfY) + column;
        for (int r = 0; r < rows; r++, y += pitchOfY, turned += TileSize)
        {
            // Read as they were written, four at a time: a wider load would wait until those stores have reached the cache, behind
            // all of y's before them.
            int c = 0;
            for (; c + 4 <= columns; c += 4)
            {
                var v = Vector128.Load(turned + c);
                Vector128.Store(Accumulate ? Vector128.Load(y + c) + v : v, y + c);
            }

            for (; c < columns; c++)
            {
                y[c] = Accumulate ? y[c] + turned[c] : turned[c];
            }
        }
    }
}

/// <summary>The CUDA body of a transposing <see cref="PermuteKernel"/>.</summary>
internal static class TransposeCuda
{
    // 32 columns are a warp; the emulator's group of 16 is 4 by 4.
    public const int FullTile = 32, EmulatedTile = 4;

    public struct Args
    {
        public StridedPair Outer;
        public TransposeTile Tile;
        public ArrayView<float> X, Y;
        public int Accumulate;
    }

    // One group owns one tile of one matrix: it reads along the rows of x and writes along the rows of y.
    [CudaKernel]
    public static void Apply(Args a)
    {
        // One more column than the tile has, so that reading down a column meets 32 different banks.
        var shared = SharedMemory.Allocate<float>(FullTile * (FullTile + 1));
        int size = Group.DimX, lane = Group.IdxX, line = Group.IdxY, lines = Group.DimY;
        int columnTiles = (a.Tile.Columns + size - 1) / size, rowTiles = (a.Tile.Rows + size - 1) / size;
        int strip = Grid.IdxX / columnTiles;
        int column = (Grid.IdxX - (strip * columnTiles)) * size;
        int matrix = strip / rowTiles;
        int row = (strip - (matrix * rowTiles)) * size;
        var at = a.Outer.At(matrix);
        for (int c = line; c < size; c += lines)
        {
            if (column + c < a.Tile.Columns && row + lane < a.Tile.Rows)
            {
                shared[(c * (size + 1)) + lane] = a.X[at.First + ((column + c) * a.Tile.PitchOfX) + row + lane];
            }
        }

        Group.Barrier();
        for (int r = line; r < size; r += lines)
        {
            if (row + r < a.Tile.Rows && column + lane < a.Tile.Columns)
            {
                int to = at.Second + ((row + r) * a.Tile.PitchOfY) + column + lane;
                float y = shared[(lane * (size + 1)) + r];
                a.Y[to] = a.Accumulate != 0 ? a.Y[to] + y : y;
            }
        }
    }
}
