using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace SmartFrz.Kernels.Cpu;

/// <summary>
/// One side of an attention's scores, cut into blocks of rows. The scores of a block and of one panel of the other side (two registers of
/// lanes) stay in the first-level cache, row by row, one lane for each number of the panel; so softmax works on whole registers, and the
/// block is the second operand of the next product as it lies there.
/// </summary>
/// <remarks>
/// A matrix of rows is packed in two ways: for scores (a sum over its columns) as the rows of the first operand of <see cref="CpuTile"/>, for
/// sums over rows with its columns as those. Each is packed once and read by all panels.
/// </remarks>
internal readonly struct CpuAttentionRows(int count, int depth)
{
    // Floats of a block of scores: 16 KB, half of a first-level cache.
    private const int BlockFloats = 4096;

    /// <summary>Rows.</summary>
    public int Count { get; } = count;

    /// <summary>Columns of the packed matrices.</summary>
    public int Depth { get; } = depth;

    /// <summary>Rows of a block at most.</summary>
    public static int MaxBlock<S, V>()
        where S : struct, ISimd<V>
        where V : unmanaged
        => BlockFloats / (2 * S.Width);

    /// <summary>Blocks.</summary>
    public int Blocks<S, V>()
        where S : struct, ISimd<V>
        where V : unmanaged
        => (Count + MaxBlock<S, V>() - 1) / MaxBlock<S, V>();

    /// <summary>The first row of a block: always the first of a panel, too.</summary>
    public int First<S, V>(int block)
        where S : struct, ISimd<V>
        where V : unmanaged
        => Math.Min(Count, block * MaxBlock<S, V>());

    /// <summary>Packs a matrix for <see cref="Scores"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public unsafe void PackForScores<S, V>(float* x, float factor, float* packed)
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        for (int block = 0; block < Blocks<S, V>(); block++)
        {
            int first = First<S, V>(block), rows = First<S, V>(block + 1) - first, tiles = Tiles<S, V>(rows);
            for (int tile = 0; tile < tiles; tile++)
            {
                int i = Cut(rows, tile, tiles), height = Cut(rows, tile + 1, tiles) - i;
                CpuPanels.Transpose(x + ((long)(first + i) * Depth), Depth, height, Depth, packed + ((long)(first + i) * Depth), height);
            }
        }

        Scale<S, V>(packed, (long)Count * Depth, factor);
    }

    /// <summary>Packs a matrix for <see cref="Sums"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public unsafe void PackForSums<S, V>(float* x, float factor, float* packed)
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        int tiles = Tiles<S, V>(Depth);
        for (int block = 0; block < Blocks<S, V>(); block++)
        {
            int first = First<S, V>(block), rows = First<S, V>(block + 1) - first;
            for (int tile = 0; tile < tiles; tile++)
            {
                int i = Cut(Depth, tile, tiles), width = Cut(Depth, tile + 1, tiles) - i;
                CpuPanels.Copy(x + ((long)first * Depth) + i, Depth, width, rows, packed + ((long)first * Depth) + ((long)i * rows), width);
            }
        }

        Scale<S, V>(packed, (long)Count * Depth, factor);
    }

    /// <summary>Packs up to two registers of lanes, each a line of <see cref="Depth"/> numbers, for <see cref="Scores"/>; absent lanes are 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public unsafe void PackPanel<S, V>(float* x, int lanes, float factor, float* panel)
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        CpuPanels.Transpose(x, Depth, lanes, Depth, panel, 2 * S.Width);
        Scale<S, V>(panel, 2L * S.Width * Depth, factor);
    }

    /// <summary>The products of rows [begin, end) of a block with a panel; some rows before and after them come along.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public unsafe void Scores<S, V>(int block, int begin, int end, float* packed, float* panel, int* offsets, float* scores)
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        int first = First<S, V>(block), rows = First<S, V>(block + 1) - first, tiles = Tiles<S, V>(rows);
        for (int tile = 0; tile < tiles; tile++)
        {
            int i = Cut(rows, tile, tiles), next = Cut(rows, tile + 1, tiles);
            if (next > begin && i < end)
            {
                float* c = scores + (i * 2 * S.Width);
                CpuTile.Run<S, V>(
                    next - i, Depth, packed + ((long)(first + i) * Depth), offsets, panel, panel + S.Width, c, c + S.Width, 2 * S.Width, null, null, null);
            }
        }
    }

    /// <summary>result[d, lane] (+)= the sum of x[row, d] * weights[row, lane] over rows [begin, end) of a block.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public unsafe void Sums<S, V>(int block, int begin, int end, float* packed, float* weights, int* offsets, bool add, float* result)
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        int first = First<S, V>(block), rows = First<S, V>(block + 1) - first, tiles = Tiles<S, V>(Depth);
        float* b = weights + (begin * 2 * S.Width);
        for (int tile = 0; tile < tiles; tile++)
        {
            int i = Cut(Depth, tile, tiles), height = Cut(Depth, tile + 1, tiles) - i;
            float* a = packed + ((long)first * Depth) + ((long)i * rows) + ((long)begin * height);
            float* c = result + (i * 2 * S.Width);
            CpuTile.Run<S, V>(height, end - begin, a, offsets, b, b + S.Width, c, c + S.Width, 2 * S.Width, add ? c : null, null, null);
        }
    }

    /// <summary>Where the terms of a product lie in a panel and in a block of scores.</summary>
    public unsafe void FillOffsets<S, V>(int* offsets)
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        for (int i = 0; i < Terms<S, V>(Depth); i++)
        {
            offsets[i] = i * 2 * S.Width;
        }
    }

    /// <summary>How many offsets there are.</summary>
    public static int Terms<S, V>(int depth)
        where S : struct, ISimd<V>
        where V : unmanaged
        => Math.Max(depth, MaxBlock<S, V>());

    /// <summary>Writes or adds result[d, lane], for the first lanes, to lines of <see cref="Depth"/> numbers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public unsafe void Store<S, V>(float* result, int lanes, bool add, float* turned, float* target)
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        CpuPanels.Transpose(result, 2 * S.Width, Depth, lanes, add ? turned : target, Depth);
        if (!add)
        {
            return;
        }

        int i = 0, count = lanes * Depth;
        for (; i + S.Width <= count; i += S.Width)
        {
            S.Store(target + i, S.Add(S.Load(target + i), S.Load(turned + i)));
        }

        for (; i < count; i++)
        {
            target[i] += turned[i];
        }
    }

    /// <summary>Writes zeros to lines of <see cref="Depth"/> numbers.</summary>
    public unsafe void Clear(float* target, int lines) => NativeMemory.Clear(target, (nuint)lines * (nuint)Depth * sizeof(float));

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static unsafe void Scale<S, V>(float* x, long count, float factor)
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        if (factor == 1f)
        {
            return;
        }

        long i = 0;
        for (V f = S.Set(factor); i + S.Width <= count; i += S.Width)
        {
            S.Store(x + i, S.Mul(S.Load(x + i), f));
        }

        for (; i < count; i++)
        {
            x[i] *= factor;
        }
    }

    private static int Tiles<S, V>(int rows)
        where S : struct, ISimd<V>
        where V : unmanaged
        => (rows + CpuTile.MaxRows<S, V>() - 1) / CpuTile.MaxRows<S, V>();

    private static int Cut(int count, int part, int parts) => (int)((long)part * count / parts);
}

/// <summary>Cuts a worker's memory into arrays, each on a cache line of its own; with no memory it only counts.</summary>
internal unsafe struct CpuAttentionMemory(float* memory)
{
    private readonly float* _memory = memory;
    private long _used;

    /// <summary>Floats handed out.</summary>
    public readonly long Used => _used;

    public float* Take(long floats)
    {
        float* at = _memory == null ? null : _memory + _used;
        _used += (floats + 15) & ~15L;
        return at;
    }
}
