using System.Runtime.CompilerServices;

namespace SmartFrz.Kernels.Cpu;

/// <summary>
/// The gradient of a head's queries while it is added up, panel of keys by panel of keys. Each block of queries is cut into panels of two
/// registers of lanes; a panel's sums lie as D rows of lanes.
/// </summary>
internal readonly struct CpuAttentionQuerySums(CpuAttentionRows queries)
{
    /// <summary>Floats of the sums of all queries.</summary>
    public long Floats<S, V>()
        where S : struct, ISimd<V>
        where V : unmanaged
        => (long)queries.Blocks<S, V>() * PanelsOfBlock<S, V>() * 2 * S.Width * queries.Depth;

    /// <summary>sums[d, query] (+)= the sum over a panel's keys of keys[key, d] * scores[query, key], for the queries of a block from one on.</summary>
    /// <param name="block">The block of queries.</param>
    /// <param name="begin">The first query of the block that sees one of the keys.</param>
    /// <param name="scores">Rows of the block's queries, lanes of keys.</param>
    /// <param name="keys">Keys of the panel that count.</param>
    /// <param name="packed">The keys, packed for sums.</param>
    /// <param name="offsets">Where the terms lie in a panel.</param>
    /// <param name="add">Whether there were keys before these.</param>
    /// <param name="turned">Memory for a square of two registers.</param>
    /// <param name="sums">The sums of all queries.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public unsafe void Add<S, V>(int block, int begin, float* scores, int keys, float* packed, int* offsets, bool add, float* turned, float* sums)
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        int side = 2 * S.Width, rows = queries.First<S, V>(block + 1) - queries.First<S, V>(block);

        // Queries before the first one that sees a key have nothing but zeros to add, so whole panels of them are left out.
        int firstPanel = begin / side;
        for (int i = firstPanel * side; i < begin; i++)
        {
            new Span<float>(scores + (i * side), side).Clear();
        }

        var one = new CpuAttentionRows(keys, queries.Depth);
        float* sum = Panel<S, V>(block, firstPanel, sums);
        for (int i = firstPanel * side; i < rows; i += side, sum += side * queries.Depth)
        {
            CpuPanels.Transpose(scores + (i * side), side, Math.Min(side, rows - i), keys, turned, side);
            one.Sums<S, V>(0, 0, keys, packed, turned, offsets, add, sum);
        }
    }

    /// <summary>Writes or adds the sums to the queries' gradient; zeros when no key counted.</summary>
    public unsafe void Store<S, V>(float* sums, bool any, bool add, float* turned, float* target)
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        if (!any)
        {
            if (!add)
            {
                queries.Clear(target, queries.Count);
            }

            return;
        }

        int side = 2 * S.Width;
        for (int block = 0; block < queries.Blocks<S, V>(); block++)
        {
            int first = queries.First<S, V>(block), rows = queries.First<S, V>(block + 1) - first;
            float* sum = Panel<S, V>(block, 0, sums);
            for (int i = 0; i < rows; i += side, sum += side * queries.Depth)
            {
                queries.Store<S, V>(sum, Math.Min(side, rows - i), add, turned, target + ((long)(first + i) * queries.Depth));
            }
        }
    }

    private static int PanelsOfBlock<S, V>()
        where S : struct, ISimd<V>
        where V : unmanaged
        => (CpuAttentionRows.MaxBlock<S, V>() + (2 * S.Width) - 1) / (2 * S.Width);

    private unsafe float* Panel<S, V>(int block, int panel, float* sums)
        where S : struct, ISimd<V>
        where V : unmanaged
        => sums + (((block * (long)PanelsOfBlock<S, V>()) + panel) * 2 * S.Width * queries.Depth);
}
