using ILGPU;

namespace SmartFrz.Kernels.Cuda;

/// <summary>
/// One operand of a product as a table of lines (rows of the left operand, columns of the right one) along the summed axis. The
/// product reads it through this struct, so a convolution's patches never exist in memory.
/// </summary>
internal interface ITileSource
{
    /// <summary>Whether neighbours in memory are neighbours on the summed axis; otherwise neighbouring lines are.</summary>
    int AlongDepth { get; }

    /// <summary>What is common to all elements of a line.</summary>
    TileLine Line(int line);

    /// <summary>Element <paramref name="depth"/> of a line.</summary>
    float Load(TileLine line, int depth);
}

/// <summary>Where the elements of a product go.</summary>
internal interface ITileTarget
{
    /// <summary>Takes the finished sum of one element.</summary>
    void Store(int row, int column, float value);
}

/// <summary>A line of an operand: an offset, and the place in an image where that means something.</summary>
internal struct TileLine
{
    public long Offset;
    public int Y, X;
}

/// <summary>
/// The one tiled matrix product behind the matrix and convolution kernels: rows of A times columns of B, summed over
/// [depthBegin, depthEnd) in ascending order, one fixed order whatever the grid.
/// </summary>
internal static class TiledProduct
{
    /// <summary>A thread owns Micro x Micro elements of the tile, in registers.</summary>
    public const int Micro = 4;

    // Shared memory is laid out for the largest tile: 16 threads x 4 elements, one Float4 per thread and step of the summed axis,
    // and one more that moves consecutive steps to different banks.
    private const int LineFloat4s = 17, MaxDepth = 16;

    /// <summary>Rows and columns of a tile.</summary>
    public static int Extent<TTile>()
        where TTile : struct, ITileShape
        => TTile.Side * Micro;

    // One group owns the tile whose first element is (firstRow, firstColumn); the thread (x, y) of it owns rows 4y..4y+3 and columns
    // 4x..4x+3. Both operands pass through shared memory, Depth steps of the summed axis at a time.
    public static void Run<TTile, TA, TB, TC>(TA a, TB b, TC c, int rows, int columns, int depthBegin, int depthEnd, int firstRow, int firstColumn)
        where TTile : struct, ITileShape
        where TA : struct, ITileSource
        where TB : struct, ITileSource
        where TC : struct, ITileTarget
    {
        var sharedA = SharedMemory.Allocate<Float4>(MaxDepth * LineFloat4s);
        var sharedB = SharedMemory.Allocate<Float4>(MaxDepth * LineFloat4s);
        int x = Group.IdxX & (TTile.Side - 1);
        int y = Group.IdxX / TTile.Side;
        var lineA = a.Line(firstRow + (Group.IdxX & (Extent<TTile>() - 1)));
        var lineB = b.Line(firstColumn + (Group.IdxX & (Extent<TTile>() - 1)));

        Float4 r0 = default, r1 = default, r2 = default, r3 = default;
        for (int depth = depthBegin; depth < depthEnd; depth += TTile.Depth)
        {
            Fill<TTile, TA>(sharedA.Cast<float>(), a, lineA, firstRow, rows, depth, depthEnd);
            Fill<TTile, TB>(sharedB.Cast<float>(), b, lineB, firstColumn, columns, depth, depthEnd);
            Group.Barrier();
            for (int k = 0; k < TTile.Depth; k++)
            {
                var u = sharedA[(k * LineFloat4s) + y];
                var v = sharedB[(k * LineFloat4s) + x];
                r0 = Float4.MultiplyAdd(r0, u.X, v);
                r1 = Float4.MultiplyAdd(r1, u.Y, v);
                r2 = Float4.MultiplyAdd(r2, u.Z, v);
                r3 = Float4.MultiplyAdd(r3, u.W, v);
            }

            Group.Barrier();
        }

        int row = firstRow + (y * Micro);
        int column = firstColumn + (x * Micro);
        StoreRow(c, row, column, rows, columns, r0);
        StoreRow(c, row + 1, column, rows, columns, r1);
        StoreRow(c, row + 2, column, rows, columns, r2);
        StoreRow(c, row + 3, column, rows, columns, r3);
    }

    // Neighbouring threads read neighbours in memory; what lies outside the operand is zero. Where the operand runs along its lines and
    // there are threads enough for a whole line of the tile, a thread stays on one line, which was worked out before the loop.
    private static void Fill<TTile, TSource>(
        ArrayView<float> shared, TSource source, TileLine ownLine, int firstLine, int lines, int firstDepth, int depthEnd)
        where TTile : struct, ITileShape
        where TSource : struct, ITileSource
    {
        bool alongDepth = source.AlongDepth != 0;
        bool ownsLine = !alongDepth && TTile.Side >= Micro;
        for (int i = Group.IdxX; i < Extent<TTile>() * TTile.Depth; i += TTile.Side * TTile.Side)
        {
            int line = alongDepth ? i / TTile.Depth : i & (Extent<TTile>() - 1);
            int depth = alongDepth ? i & (TTile.Depth - 1) : i / Extent<TTile>();
            float value = 0f;
            if (firstLine + line < lines && firstDepth + depth < depthEnd)
            {
                value = source.Load(ownsLine ? ownLine : source.Line(firstLine + line), firstDepth + depth);
            }

            shared[(depth * (LineFloat4s * 4)) + line] = value;
        }
    }

    private static void StoreRow<TC>(TC target, int row, int column, int rows, int columns, Float4 v)
        where TC : struct, ITileTarget
    {
        if (row < rows)
        {
            Store(target, row, column, columns, v.X);
            Store(target, row, column + 1, columns, v.Y);
            Store(target, row, column + 2, columns, v.Z);
            Store(target, row, column + 3, columns, v.W);
        }
    }

    private static void Store<TC>(TC target, int row, int column, int columns, float value)
        where TC : struct, ITileTarget
    {
        if (column < columns)
        {
            target.Store(row, column, value);
        }
    }
}
