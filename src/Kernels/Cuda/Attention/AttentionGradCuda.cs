using ILGPU;
using ILGPU.Algorithms;

namespace SmartFrz.Kernels.Cuda;

/// <summary>The CUDA bodies of <see cref="AttentionQueryGradKernel"/> and <see cref="AttentionKeyValueGradKernel"/>.</summary>
internal static class AttentionGradCuda
{
    // One group owns Side queries of a head and Columns x Side columns of their gradients; thread (x, y) owns query y and every Side-th of the
    // columns from x on, and of each tile of keys the score with key x.
    [CudaKernel]
    public static void Query<TTile>(AttentionCuda.Args a)
        where TTile : struct, ITileShape
    {
        var tileA = AttentionCuda.Tile();
        var tileB = AttentionCuda.Tile();
        var weights = AttentionCuda.Tile();
        int x = Group.IdxX & (TTile.Side - 1), y = Group.IdxX / TTile.Side;
        int chunks = AttentionCuda.Chunks(a.Sizes.D, TTile.Side), d = a.Sizes.D;
        int firstQuery = Grid.IdxX / chunks * TTile.Side, query = firstQuery + y, queries = a.Sizes.Tq - firstQuery;
        int column = (Grid.IdxX % chunks * AttentionCuda.Columns * TTile.Side) + x;
        for (int head = Grid.IdxZ; head < a.Sizes.Heads; head += Grid.DimZ)
        {
            int keys = a.Sizes.Keys(head);
            int seen = a.Sizes.Causal != 0 && firstQuery + TTile.Side < keys ? firstQuery + TTile.Side : keys;
            long start = a.Sizes.Query(head) + ((long)firstQuery * d), row = ((long)head * a.Sizes.Tq) + query;
            float lse = query < a.Sizes.Tq ? a.Lse[row] : 0f, delta = query < a.Sizes.Tq ? a.Delta[row] : 0f;
            Float4 result = default;
            for (int key = 0; key < seen; key += TTile.Side)
            {
                long startKey = a.Sizes.Key(head) + ((long)key * d);
                float term = a.Sizes.Term(head, key + x);
                float score = (a.Sizes.Scale * AttentionCuda.Dot<TTile>(a.Q, start, queries, a.K, startKey, keys - key, d, tileA, tileB)) + term;
                float product = AttentionCuda.Dot<TTile>(a.Dy, start, queries, a.V, startKey, keys - key, d, tileA, tileB);
                bool sees = a.Sizes.Sees(query, key + x, keys, term);
                weights[AttentionCuda.InTile(y, x)] = sees ? XMath.Exp(score - lse) * (product - delta) : 0f;
                Group.Barrier();
                result = AttentionCuda.AddLines<TTile>(result, weights, a.K, startKey, keys - key, d, column);
                Group.Barrier();
            }

            if (query < a.Sizes.Tq)
            {
                AttentionCuda.Store<TTile>(result, a.Sizes.Scale, a.Y, start + ((long)y * d), d, column, a.AddFirst);
            }
        }
    }

    // One group owns Side keys of a head and Columns x Side columns of their gradients and of their values'; thread (x, y) owns key y and every
    // Side-th of the columns from x on, and of each tile of queries the score with query x.
    [CudaKernel]
    public static void KeyValue<TTile>(AttentionCuda.Args a)
        where TTile : struct, ITileShape
    {
        var tileA = AttentionCuda.Tile();
        var tileB = AttentionCuda.Tile();
        var weights = AttentionCuda.Tile();
        var changes = AttentionCuda.Tile();
        int x = Group.IdxX & (TTile.Side - 1), y = Group.IdxX / TTile.Side;
        int chunks = AttentionCuda.Chunks(a.Sizes.D, TTile.Side), d = a.Sizes.D;
        int firstKey = Grid.IdxX / chunks * TTile.Side, key = firstKey + y;
        int column = (Grid.IdxX % chunks * AttentionCuda.Columns * TTile.Side) + x;
        for (int head = Grid.IdxZ; head < a.Sizes.Heads; head += Grid.DimZ)
        {
            int keys = a.Sizes.Keys(head);
            long start = a.Sizes.Key(head) + ((long)firstKey * d);
            Float4 dk = default, dv = default;
            float term = a.Sizes.Term(head, key);

            // Keys that do not count have no gradient: their groups have nothing to do.
            int end = firstKey < keys ? a.Sizes.Tq : 0;
            for (int query = a.Sizes.Causal != 0 ? firstKey : 0; query < end; query += TTile.Side)
            {
                long startQuery = a.Sizes.Query(head) + ((long)query * d), row = ((long)head * a.Sizes.Tq) + query + x;
                int queries = a.Sizes.Tq - query;
                float score = (a.Sizes.Scale * AttentionCuda.Dot<TTile>(a.K, start, keys - firstKey, a.Q, startQuery, queries, d, tileA, tileB)) + term;
                bool sees = a.Sizes.Sees(query + x, key, keys, term);
                float p = sees ? XMath.Exp(score - a.Lse[row]) : 0f;
                weights[AttentionCuda.InTile(y, x)] = p;
                if (a.NeedsFirst != 0)
                {
                    float product = AttentionCuda.Dot<TTile>(a.V, start, keys - firstKey, a.Dy, startQuery, queries, d, tileA, tileB);
                    changes[AttentionCuda.InTile(y, x)] = sees ? p * (product - a.Delta[row]) : 0f;
                }

                Group.Barrier();
                if (a.NeedsFirst != 0)
                {
                    dk = AttentionCuda.AddLines<TTile>(dk, changes, a.Q, startQuery, queries, d, column);
                }

                if (a.NeedsSecond != 0)
                {
                    dv = AttentionCuda.AddLines<TTile>(dv, weights, a.Dy, startQuery, queries, d, column);
                }

                Group.Barrier();
            }

            if (key < a.Sizes.Tk)
            {
                if (a.NeedsFirst != 0)
                {
                    AttentionCuda.Store<TTile>(dk, a.Sizes.Scale, a.Y, start + ((long)y * d), d, column, a.AddFirst);
                }

                if (a.NeedsSecond != 0)
                {
                    AttentionCuda.Store<TTile>(dv, 1f, a.Y2, start + ((long)y * d), d, column, a.AddSecond);
                }
            }
        }
    }
}
