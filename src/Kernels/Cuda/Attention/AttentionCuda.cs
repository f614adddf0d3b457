using ILGPU;
using ILGPU.Algorithms;

namespace SmartFrz.Kernels.Cuda;

/// <summary>The CUDA body of <see cref="AttentionKernel"/>, and what it shares with the gradients.</summary>
/// <remarks>
/// A group has Side x Side threads: Side lines (queries, or keys in their gradients) by Side partners of the other kind at a time. Its results
/// are Side lines by <see cref="Columns"/> x Side columns in registers; a longer line takes several groups, each of which computes the scores
/// for itself.
/// </remarks>
internal static class AttentionCuda
{
    /// <summary>Columns of a result that a thread owns.</summary>
    public const int Columns = 4;

    // Shared memory is laid out for the largest tile: 16 threads x 16; a line of a transposed tile is one longer, which moves it to another bank.
    private const int MaxSide = 16, TileFloats = MaxSide * (MaxSide + 1);

    public struct Sizes
    {
        public ArrayView<int> Lengths;
        public ArrayView<float> Terms;
        public int H, Heads, Tq, Tk, D, Causal, HasLengths, HasTerms;
        public float Scale;

        public static Sizes Of(in AttentionShape shape, DeviceBuffer lengths, DeviceBuffer terms) => new()
        {
            Lengths = CudaContext.View<int>(lengths),
            HasLengths = lengths.IsNull ? 0 : 1,
            Terms = CudaContext.Floats(terms),
            HasTerms = shape.HasTerms ? 1 : 0,
            H = shape.H,
            Heads = shape.Heads,
            Tq = shape.Tq,
            Tk = shape.Tk,
            D = shape.D,
            Causal = shape.Causal ? 1 : 0,
            Scale = shape.Scale,
        };

        /// <summary>How many keys of a head count.</summary>
        public readonly int Keys(int head)
        {
            if (HasLengths == 0)
            {
                return Tk;
            }

            int length = Lengths[head / H];
            return length < 0 ? 0 : length > Tk ? Tk : length;
        }

        public readonly long Query(int head) => (long)head * Tq * D;

        public readonly long Key(int head) => (long)head * Tk * D;

        /// <summary>Whether a query sees a key that counts and has that term.</summary>
        public readonly bool Sees(int query, int key, int keys, float term) =>
            key < keys && query < Tq && (Causal == 0 || key <= query) && term != float.NegativeInfinity;

        /// <summary>What is added to the scores of a head's key; 0 past the end.</summary>
        public readonly float Term(int head, int key)
        {
            if (HasTerms == 0 || key >= Tk)
            {
                return 0f;
            }

            return Terms[((long)(head / H) * Tk) + key];
        }
    }

    /// <summary>The operands of all passes; Y is the result, or the queries' or keys' gradient, Y2 the values'.</summary>
    public struct Args
    {
        public Sizes Sizes;
        public ArrayView<float> Q, K, V, Dy, Lse, Delta, Y, Y2;
        public int NeedsFirst, NeedsSecond, AddFirst, AddSecond;

        public static Args Of(in AttentionShape shape, in AttentionSaved saved) => new()
        {
            Sizes = Sizes.Of(shape, saved.Lengths, saved.Terms),
            Q = CudaContext.Floats(saved.Q),
            K = CudaContext.Floats(saved.K),
            V = CudaContext.Floats(saved.V),
            Dy = CudaContext.Floats(saved.Dy),
            Lse = CudaContext.Floats(saved.Lse),
            Delta = CudaContext.Floats(saved.Delta),
        };
    }

    public struct DeltaArgs
    {
        public ArrayView<float> Dy, Y, Delta;
        public int Rows, D;
    }

    /// <summary>Launches one group for each Side lines and each Columns x Side columns of the result (grid X), times the heads (grid Z).</summary>
    public static void Launch(CudaContext cuda, Action<Args> large, Action<Args> small, int lines, in Args args)
    {
        int side = cuda.UsesSmallTiles ? EmulatorTile.Side : GpuTile.Side;
        int groups = checked(((lines + side - 1) / side) * Chunks(args.Sizes.D, side));
        if (groups > 0 && args.Sizes.Heads > 0)
        {
            cuda.Launch(
                cuda.UsesSmallTiles ? small : large,
                new Index3D(groups, 1, Math.Min(args.Sizes.Heads, CudaContext.MaxGridYZ)),
                new Index3D(side * side, 1, 1),
                args);
        }
    }

    /// <summary>How many groups share the columns of a line.</summary>
    public static int Chunks(int d, int side) => (d + (Columns * side) - 1) / (Columns * side);

    /// <summary>Shared memory for a tile.</summary>
    public static ArrayView<float> Tile() => SharedMemory.Allocate<float>(TileFloats);

    /// <summary>
    /// The product of line y of the left operand and line x of the right one, for each thread (x, y); lines past the end are 0. Every thread of
    /// the group must call; the tiles are free again when it returns.
    /// </summary>
    public static float Dot<TTile>(
        ArrayView<float> a, long startA, int linesA, ArrayView<float> b, long startB, int linesB, int d, ArrayView<float> tileA, ArrayView<float> tileB)
        where TTile : struct, ITileShape
    {
        int x = Group.IdxX & (TTile.Side - 1), y = Group.IdxX / TTile.Side;
        float sum = 0f;
        for (int first = 0; first < d; first += TTile.Side)
        {
            bool inside = first + x < d;
            long at = ((long)y * d) + first + x;
            tileA[(y * (MaxSide + 1)) + x] = inside && y < linesA ? a[startA + at] : 0f;
            tileB[(x * (MaxSide + 1)) + y] = inside && y < linesB ? b[startB + at] : 0f;
            Group.Barrier();
            for (int k = 0; k < TTile.Side; k++)
            {
                sum += tileA[(y * (MaxSide + 1)) + k] * tileB[(k * (MaxSide + 1)) + x];
            }

            Group.Barrier();
        }

        return sum;
    }

    /// <summary>result (+)= the sum over k of weights[y, k] * line k of a matrix, at this thread's columns.</summary>
    public static Float4 AddLines<TTile>(Float4 result, ArrayView<float> weights, ArrayView<float> lines, long start, int count, int d, int column)
        where TTile : struct, ITileShape
    {
        int y = Group.IdxX / TTile.Side;
        for (int k = 0; k < TTile.Side && k < count; k++)
        {
            float w = weights[(y * (MaxSide + 1)) + k];
            long at = start + ((long)k * d) + column;
            Float4 line = default;
            line.X = column < d ? lines[at] : 0f;
            line.Y = column + TTile.Side < d ? lines[at + TTile.Side] : 0f;
            line.Z = column + (2 * TTile.Side) < d ? lines[at + (2 * TTile.Side)] : 0f;
            line.W = column + (3 * TTile.Side) < d ? lines[at + (3 * TTile.Side)] : 0f;
            result = Float4.MultiplyAdd(result, w, line);
        }

        return result;
    }

    /// <summary>Writes or adds this thread's columns of a line.</summary>
    public static void Store<TTile>(Float4 result, float factor, ArrayView<float> lines, long start, int d, int column, int add)
        where TTile : struct, ITileShape
    {
        StoreOne(lines, start, d, column, result.X * factor, add);
        StoreOne(lines, start, d, column + TTile.Side, result.Y * factor, add);
        StoreOne(lines, start, d, column + (2 * TTile.Side), result.Z * factor, add);
        StoreOne(lines, start, d, column + (3 * TTile.Side), result.W * factor, add);
    }

    /// <summary>Where thread (x, y) keeps its number in a tile.</summary>
    public static int InTile(int y, int x) => (y * (MaxSide + 1)) + x;

    // One group owns Side queries of a head and Columns x Side columns of their results; thread (x, y) owns query y and every Side-th of the
    // columns from x on, and of each tile of keys the score with key x.
    [CudaKernel]
    public static void Forward<TTile>(Args a)
        where TTile : struct, ITileShape
    {
        var tileA = Tile();
        var tileB = Tile();
        var weights = Tile();
        int x = Group.IdxX & (TTile.Side - 1), y = Group.IdxX / TTile.Side;
        int chunks = Chunks(a.Sizes.D, TTile.Side), d = a.Sizes.D;
        int firstQuery = Grid.IdxX / chunks * TTile.Side, query = firstQuery + y;
        int column = (Grid.IdxX % chunks * Columns * TTile.Side) + x;
        for (int head = Grid.IdxZ; head < a.Sizes.Heads; head += Grid.DimZ)
        {
            int keys = a.Sizes.Keys(head);
            int seen = a.Sizes.Causal != 0 && firstQuery + TTile.Side < keys ? firstQuery + TTile.Side : keys;
            long start = a.Sizes.Query(head) + ((long)firstQuery * d);
            float max = float.NegativeInfinity, sum = 0f;
            Float4 result = default;
            for (int key = 0; key < seen; key += TTile.Side)
            {
                long startKey = a.Sizes.Key(head) + ((long)key * d);
                float term = a.Sizes.Term(head, key + x);
                float score = (a.Sizes.Scale * Dot<TTile>(a.Q, start, a.Sizes.Tq - firstQuery, a.K, startKey, keys - key, d, tileA, tileB)) + term;
                bool sees = a.Sizes.Sees(query, key + x, keys, term);
                weights[InTile(y, x)] = sees ? score : float.NegativeInfinity;
                Group.Barrier();
                float top = max;
                for (int k = 0; k < TTile.Side; k++)
                {
                    top = CudaReduce.Larger(top, weights[InTile(y, k)]);
                }

                Group.Barrier();
                weights[InTile(y, x)] = sees ? XMath.Exp(score - top) : 0f;
                Group.Barrier();

                // A query that has seen no key yet keeps -infinity.
                float down = max < top ? XMath.Exp(max - top) : 1f;
                sum *= down;
                for (int k = 0; k < TTile.Side; k++)
                {
                    sum += weights[InTile(y, k)];
                }

                Float4 none = default;
                result = AddLines<TTile>(Float4.MultiplyAdd(none, down, result), weights, a.V, startKey, keys - key, d, column);
                max = top;
                Group.Barrier();
            }

            if (query < a.Sizes.Tq)
            {
                Store<TTile>(result, sum == 0f ? 0f : 1f / sum, a.Y, start + ((long)y * d), d, column, 0);
                if (column == 0)
                {
                    a.Lse[((long)head * a.Sizes.Tq) + query] = sum == 0f ? float.NegativeInfinity : max + XMath.Log(sum);
                }
            }
        }
    }

    // One thread owns every (grid size)-th row.
    [CudaKernel]
    public static void Delta(DeltaArgs a)
    {
        for (int row = Grid.GlobalIndex.X; row < a.Rows; row += Grid.DimX * Group.DimX)
        {
            float sum = 0f;
            for (int i = 0; i < a.D; i++)
            {
                long at = ((long)row * a.D) + i;
                sum += a.Dy[at] * a.Y[at];
            }

            a.Delta[row] = sum;
        }
    }

    private static void StoreOne(ArrayView<float> lines, long start, int d, int column, float value, int add)
    {
        if (column < d)
        {
            lines[start + column] = add != 0 ? lines[start + column] + value : value;
        }
    }
}
