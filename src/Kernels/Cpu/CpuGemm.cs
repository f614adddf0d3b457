using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace SmartFrz.Kernels.Cpu;

/// <summary>
/// C = op(A) op(B) or C += op(A) op(B). Both operands are packed into panels, A in panels of the tile's rows, B in panels of two
/// registers; then threads take blocks of C. An element of C is summed by one thread in one order, whoever it is.
/// </summary>
internal static unsafe class CpuGemm
{
    // Less work than this is not worth waking a thread for.
    private const long FlopsPerPiece = 1_000_000;

    // Terms summed in registers before C is touched: one panel of B (16 or 32 KB) stays in the first-level cache.
    private const int DepthBlock = 256;

    // Floats of packed operands held at a time; a longer sum is done in several rounds.
    private const long PackedLimit = 16L << 20;

    public static void Run(CpuPool pool, CpuIsa isa, in GemmShape shape, float* a, float* b, float* c)
    {
        var s = shape;
        if (s.M == 0 || s.N == 0 || s.Batch == 0)
        {
            return;
        }

        if (s.K == 0)
        {
            ClearUnlessAccumulating(s, c);
            return;
        }

        if (s.Batch > 1 && s.StrideB == 0 && !s.TransA && s.StrideA == (long)s.M * s.K && s.StrideC == (long)s.M * s.N && (long)s.M * s.Batch <= int.MaxValue)
        {
            // One B for all, and the A's lie one below the other: a single tall product.
            s = s with { M = s.M * s.Batch, Batch = 1 };
        }

        var call = new Call { Pool = pool, Shape = s, A = a, B = b, C = c };
        isa.Run(ref call);
    }

    /// <summary>G[n, n] = X X^T: what lies on and above the diagonal is computed, the rest mirrored.</summary>
    public static void Gram(CpuPool pool, CpuIsa isa, int n, int k, float* x, float* g)
    {
        if (n == 0)
        {
            return;
        }

        if (k == 0)
        {
            NativeMemory.Clear(g, (nuint)n * (nuint)n * sizeof(float));
            return;
        }

        var call = new Call { Pool = pool, Shape = new GemmShape(n, n, k, false, true, false), A = x, B = x, C = g, Symmetric = true };
        isa.Run(ref call);
        var mirror = new MirrorBody { G = g, N = n };
        pool.For(n, Math.Max(1, MirrorBody.Grain / n), ref mirror);
    }

    private static void ClearUnlessAccumulating(in GemmShape s, float* c)
    {
        for (int n = 0; n < s.Batch && !s.Accumulate; n++)
        {
            NativeMemory.Clear(c + (n * s.StrideC), (nuint)s.M * (nuint)s.N * sizeof(float));
        }
    }

    private struct Call : ISimdAction
    {
        public CpuPool Pool;
        public GemmShape Shape;
        public float* A, B, C;
        public bool Symmetric;

        public void Run<S, V>()
            where S : struct, ISimd<V>
            where V : unmanaged
        {
            if (CpuGemv.Fits(Shape))
            {
                CpuGemv.Run<S, V>(Pool, Shape, A, B, C);
                return;
            }

            using var alone = Pool.Exclusive();
            var one = Problem.Of<S, V>(Shape) with { Symmetric = Symmetric };
            long flops = Shape.Flops / Shape.Batch;
            if (Shape.Batch > 1 && (flops < FlopsPerPiece || Shape.Batch >= 2 * Pool.Threads))
            {
                var batch = new BatchBody<S, V> { Scratch = Pool.Scratch(one.PackedFloats), One = one, Shape = Shape, A = A, B = B, C = C };
                int grain = (int)Math.Clamp(FlopsPerPiece / Math.Max(1, flops), 1, int.MaxValue);
                Pool.For(Shape.Batch, grain, ref batch);
                return;
            }

            for (int n = 0; n < Shape.Batch; n++)
            {
                one.At(A + (n * Shape.StrideA), B + (n * Shape.StrideB), C + (n * Shape.StrideC));
                Split<S, V>(one, flops);
            }
        }

        // One product on all threads: they pack together, then share out the blocks of C.
        private readonly void Split<S, V>(Problem one, long flops)
            where S : struct, ISimd<V>
            where V : unmanaged
        {
            one.UsePacked(Pool.Shared(one.PackedFloats));
            int threads = flops < FlopsPerPiece ? 1 : Pool.Threads;
            for (int k0 = 0; k0 < one.K; k0 += one.Round)
            {
                one.From(k0);
                var pack = new PackBody { One = one };
                var blocks = BlockBody<S, V>.Of(one, threads);
                if (threads == 1)
                {
                    pack.Run(0, one.RowTiles + one.Panels, 0);
                    blocks.Run(0, blocks.Count, 0);
                    continue;
                }

                Pool.For(one.RowTiles + one.Panels, 4, ref pack);
                Pool.For(blocks.Count, 1, ref blocks);
            }
        }
    }

    /// <summary>One product with its packed operands.</summary>
    private struct Problem
    {
        public int M, N, K, Round;
        public int RowTiles, Panels, PanelWidth;
        public long PackedFloats;

        /// <summary>Leaves out tiles that lie below the diagonal altogether.</summary>
        public bool Symmetric;

        private float* _a, _b, _c;
        private int _k0, _kCount;
        private bool _transA, _transB, _accumulate;
        private float* _packedA, _packedB;
        private int* _offsets, _rowStarts;

        public static Problem Of<S, V>(in GemmShape shape)
            where S : struct, ISimd<V>
            where V : unmanaged
        {
            int max = CpuTile.MaxRows<S, V>(), width = 2 * S.Width;
            var p = new Problem
            {
                M = shape.M,
                N = shape.N,
                K = shape.K,
                RowTiles = (shape.M + max - 1) / max,
                PanelWidth = width,
                Panels = (shape.N + width - 1) / width,
                _transA = shape.TransA,
                _transB = shape.TransB,
                _accumulate = shape.Accumulate,
            };
            long perTerm = p.M + ((long)p.Panels * width);
            p.Round = (int)Math.Min(p.K, Math.Max(DepthBlock, PackedLimit / perTerm / DepthBlock * DepthBlock));
            p.PackedFloats = (perTerm * p.Round) + DepthBlock + p.RowTiles + 1;
            return p;
        }

        // The matrices to work on.
        public void At(float* a, float* b, float* c)
        {
            _a = a;
            _b = b;
            _c = c;
        }

        // The round of the sum that begins at term k.
        public void From(int k)
        {
            _k0 = k;
            _kCount = Math.Min(Round, K - k);
        }

        public void UsePacked(float* memory)
        {
            // Aligned panels of B first: they are read by whole registers.
            _packedB = memory;
            _packedA = memory + ((long)Panels * PanelWidth * Round);
            _offsets = (int*)(_packedA + ((long)M * Round));
            for (int k = 0; k < Math.Min(DepthBlock, Round); k++)
            {
                _offsets[k] = k * PanelWidth;
            }

            // Rows are dealt out evenly, so that no tile is much lower than the others.
            _rowStarts = _offsets + DepthBlock;
            for (int i = 0; i <= RowTiles; i++)
            {
                _rowStarts[i] = (int)((long)i * M / RowTiles);
            }
        }

        // Unit u < RowTiles is a row tile of A, the others are panels of B; each block of the depth is packed by itself.
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Pack(int begin, int end)
        {
            for (int u = begin; u < end; u++)
            {
                for (int k = 0; k < _kCount; k += DepthBlock)
                {
                    int depth = Math.Min(DepthBlock, _kCount - k), at = _k0 + k;
                    if (u < RowTiles)
                    {
                        int i = _rowStarts[u], rows = _rowStarts[u + 1] - i;
                        float* panel = _packedA + ((long)M * k) + ((long)i * depth);
                        if (_transA)
                        {
                            CpuPanels.Copy(_a + ((long)at * M) + i, M, rows, depth, panel, rows);
                        }
                        else
                        {
                            CpuPanels.Transpose(_a + ((long)i * K) + at, K, rows, depth, panel, rows);
                        }
                    }
                    else
                    {
                        int j = (u - RowTiles) * PanelWidth, columns = Math.Min(PanelWidth, N - j);
                        float* panel = _packedB + ((long)Panels * PanelWidth * k) + ((long)j * depth);
                        if (_transB)
                        {
                            CpuPanels.Transpose(_b + ((long)j * K) + at, K, columns, depth, panel, PanelWidth);
                        }
                        else
                        {
                            CpuPanels.Copy(_b + ((long)at * N) + j, N, columns, depth, panel, PanelWidth);
                        }
                    }
                }
            }
        }

        // Computes row tiles [i0, i1) by panels [j0, j1) of C from what is packed.
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Compute<S, V>(int i0, int i1, int j0, int j1)
            where S : struct, ISimd<V>
            where V : unmanaged
        {
            for (int k = 0; k < _kCount; k += DepthBlock)
            {
                int depth = Math.Min(DepthBlock, _kCount - k);
                bool add = _accumulate || _k0 + k > 0;
                for (int j = j0; j < j1; j++)
                {
                    float* panel = _packedB + ((long)Panels * PanelWidth * k) + ((long)j * PanelWidth * depth);
                    int columns = Math.Min(PanelWidth, N - (j * PanelWidth));
                    for (int i = i0; i < i1; i++)
                    {
                        int row = _rowStarts[i], rows = _rowStarts[i + 1] - row;
                        if (Symmetric && row >= (j * PanelWidth) + columns)
                        {
                            break;
                        }

                        float* tile = _packedA + ((long)M * k) + ((long)row * depth);
                        float* c = _c + ((long)row * N) + (j * PanelWidth);

                        // A row of a large C is a page of its own, out of any hardware prefetcher's sight.
                        for (int r = 0; r < rows; r++)
                        {
                            CpuPanels.Prefetch(c + ((long)r * N), 2 * S.Width);
                        }

                        CpuTile.RunColumns<S, V>(rows, columns, depth, tile, _offsets, panel, panel + S.Width, c, N, add, null);
                    }
                }
            }
        }
    }

    // One index is a row below the diagonal.
    private struct MirrorBody : IParallelBody
    {
        public const int Grain = 16384;

        public float* G;
        public int N;

        public readonly void Run(int begin, int end, int worker)
        {
            for (int i = begin; i < end; i++)
            {
                float* row = G + ((long)i * N);
                for (int j = 0; j < i; j++)
                {
                    row[j] = G[((long)j * N) + i];
                }
            }
        }
    }

    // One piece owns some row tiles of A and panels of B to pack.
    private struct PackBody : IParallelBody
    {
        public Problem One;

        public readonly void Run(int begin, int end, int worker) => One.Pack(begin, end);
    }

    // One index is a block of C: some row tiles (a few hundred KB of A, kept in the second-level cache) by some panels.
    private struct BlockBody<S, V> : IParallelBody
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        private const int RowsPerBlock = 144, ColumnsPerBlock = 512, BlocksPerThread = 4;

        private Problem _one;
        private int _rowBlocks, _columnBlocks;

        public readonly int Count => _rowBlocks * _columnBlocks;

        public static BlockBody<S, V> Of(in Problem one, int threads)
        {
            int rows = Math.Max(1, (one.M + (RowsPerBlock / 2)) / RowsPerBlock);
            int columns = Math.Max(1, (one.N + (ColumnsPerBlock / 2)) / ColumnsPerBlock);
            while (threads > 1 && rows * columns < threads * BlocksPerThread && (columns < one.Panels || rows < one.RowTiles))
            {
                // Halve the longer side of a block.
                bool byColumns = columns < one.Panels && ((long)one.N * rows >= (long)one.M * columns || rows >= one.RowTiles);
                columns = byColumns ? Math.Min(one.Panels, columns * 2) : columns;
                rows = byColumns ? rows : Math.Min(one.RowTiles, rows * 2);
            }

            return new BlockBody<S, V> { _one = one, _rowBlocks = rows, _columnBlocks = columns };
        }

        public readonly void Run(int begin, int end, int worker)
        {
            for (int n = begin; n < end; n++)
            {
                int i = n % _rowBlocks, j = n / _rowBlocks;
                _one.Compute<S, V>(
                    Cut(_one.RowTiles, i, _rowBlocks), Cut(_one.RowTiles, i + 1, _rowBlocks), Cut(_one.Panels, j, _columnBlocks), Cut(_one.Panels, j + 1, _columnBlocks));
            }
        }

        private static int Cut(int count, int part, int parts) => (int)((long)part * count / parts);
    }

    // One index is one product of the batch, packed into its worker's own memory.
    private struct BatchBody<S, V> : IParallelBody
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        public WorkerScratch Scratch;
        public Problem One;
        public GemmShape Shape;
        public float* A, B, C;

        public readonly void Run(int begin, int end, int worker)
        {
            var one = One;
            one.UsePacked(Scratch.Of(worker));
            for (int n = begin; n < end; n++)
            {
                one.At(A + (n * Shape.StrideA), B + (n * Shape.StrideB), C + (n * Shape.StrideC));
                for (int k = 0; k < one.K; k += one.Round)
                {
                    one.From(k);
                    one.Pack(0, one.RowTiles + one.Panels);
                    one.Compute<S, V>(0, one.RowTiles, 0, one.Panels);
                }
            }
        }
    }
}
