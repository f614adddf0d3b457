using System.Runtime.CompilerServices;

namespace SmartFrz.Kernels.Cpu;

/// <summary>
/// The CPU body of <see cref="AttentionKeyValueGradKernel"/>: a panel is two registers of keys, the rows are queries. Dk or Dv is null when
/// it is not needed. With Dq it is that of <see cref="AttentionGradKernel"/>: a worker takes a whole head and adds what each panel brings to
/// the queries' gradient, in the order in which <see cref="CpuAttentionQueryGrad"/> adds it, so that the bits are the same.
/// </summary>
internal unsafe struct CpuAttentionKeyValueGrad : ICpuAttentionPass
{
    public CpuAttentionOperands Of;
    public float* Dk, Dv, Dq;
    public bool AddKey, AddValue, AddQuery;

    public readonly int Lanes => Of.Shape.Tk;

    public readonly long Flops => Of.Shape.Flops(1 + (Dk != null ? 2 : 0) + (Dv != null ? 1 : 0) + (Dq != null ? 1 : 0));

    public readonly AttentionShape Shape => Of.Shape;

    public readonly bool WholeHeads => Dq != null;

    private readonly CpuAttentionRows Queries => new(Of.Shape.Tq, Of.Shape.D);

    public readonly long ScratchFloats<S, V>()
        where S : struct, ISimd<V>
        where V : unmanaged
        => Memory.Of<S, V>(null, Of.Shape, Dq != null).Floats;

    public readonly void Begin<S, V>(float* scratch, int head)
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        var memory = Memory.Of<S, V>(scratch, Of.Shape, Dq != null);
        float* q = Of.Q + Of.Query(head), dy = Of.Dy + Of.Query(head);
        Queries.FillOffsets<S, V>(memory.Offsets);
        Queries.PackForScores<S, V>(q, Of.Shape.Scale, memory.Queries);
        if (Dk != null)
        {
            Queries.PackForScores<S, V>(dy, 1f, memory.Dy);
            Queries.PackForSums<S, V>(q, Of.Shape.Scale, memory.QuerySums);
        }

        if (Dv != null)
        {
            Queries.PackForSums<S, V>(dy, 1f, memory.DySums);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Panel<S, V>(float* scratch, int head, int first)
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        var memory = Memory.Of<S, V>(scratch, Of.Shape, Dq != null);
        var queries = Queries;
        int lanes = Math.Min(2 * S.Width, Of.Shape.Tk - first), counting = Math.Clamp(Of.Keys(head) - first, 0, lanes);

        // The first query that sees one of these keys.
        int firstQuery = Of.Shape.Causal ? first : 0;
        long at = Of.Key(head) + ((long)first * Of.Shape.D);
        bool any = counting > 0 && firstQuery < queries.Count;
        if (any)
        {
            Sums<S, V>(memory, head, first, firstQuery, counting);
        }

        Finish<S, V>(memory, any ? counting : 0, lanes, at);
        if (Dq != null && first + lanes == Of.Shape.Tk)
        {
            new CpuAttentionQuerySums(queries).Store<S, V>(memory.QuerySum, Of.Keys(head) > 0, AddQuery, memory.Turned, Dq + Of.Query(head));
        }
    }

    // The sums over the queries for a panel of keys, and what the panel brings to the sums over keys.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Sums<S, V>(in Memory memory, int head, int first, int firstQuery, int counting)
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        var queries = Queries;
        long at = Of.Key(head) + ((long)first * Of.Shape.D);

        queries.PackPanel<S, V>(Of.K + at, counting, 1f, memory.Keys);
        if (Dk != null)
        {
            queries.PackPanel<S, V>(Of.V + at, counting, 1f, memory.Values);
        }

        var querySums = new CpuAttentionQuerySums(queries);
        if (Dq != null)
        {
            new CpuAttentionRows(counting, Of.Shape.D).PackForSums<S, V>(Of.K + at, Of.Shape.Scale, memory.KeySums);
        }

        bool add = false;
        float* terms = Of.TermsOf(head);
        for (int block = 0; block < queries.Blocks<S, V>(); block++)
        {
            int row = queries.First<S, V>(block), end = queries.First<S, V>(block + 1) - row, begin = Math.Max(0, firstQuery - row);
            if (begin >= end)
            {
                continue;
            }

            long line = ((long)head * Of.Shape.Tq) + row;
            queries.Scores<S, V>(block, begin, end, memory.Queries, memory.Keys, memory.Offsets, memory.Scores);
            if (terms != null)
            {
                CpuAttentionMask.AddToLanes<S, V>(memory.Scores, terms + first, counting, begin, end);
            }

            if (Of.Shape.Causal)
            {
                CpuAttentionMask.HideLaterLanes<S, V>(memory.Scores, row - first, begin, end);
            }

            if (Dk != null)
            {
                queries.Scores<S, V>(block, begin, end, memory.Dy, memory.Values, memory.Offsets, memory.Products);
                Gradients<S, V>(memory.Scores, memory.Products, begin, end, Of.Lse + line, Of.Delta + line);
                queries.Sums<S, V>(block, begin, end, memory.QuerySums, memory.Products, memory.Offsets, add, memory.KeyResult);
            }
            else
            {
                Probabilities<S, V>(memory.Scores, begin, end, Of.Lse + line);
            }

            if (Dv != null)
            {
                queries.Sums<S, V>(block, begin, end, memory.DySums, memory.Scores, memory.Offsets, add, memory.ValueResult);
            }

            if (Dq != null)
            {
                querySums.Add<S, V>(block, begin, memory.Products, counting, memory.KeySums, memory.Offsets, first > 0, memory.TurnedPanel, memory.QuerySum);
            }

            add = true;
        }
    }

    // Lanes whose key does not count have no gradient.
    private readonly void Finish<S, V>(in Memory memory, int counting, int lanes, long at)
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        Finish<S, V>(memory.KeyResult, memory.Turned, counting, lanes, AddKey, Dk, at);
        Finish<S, V>(memory.ValueResult, memory.Turned, counting, lanes, AddValue, Dv, at);
    }

    private readonly void Finish<S, V>(float* result, float* turned, int counting, int lanes, bool add, float* target, long at)
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        if (target == null)
        {
            return;
        }

        if (counting > 0)
        {
            Queries.Store<S, V>(result, counting, add, turned, target + at);
        }

        if (counting < lanes && !add)
        {
            Queries.Clear(target + at + ((long)counting * Of.Shape.D), lanes - counting);
        }
    }

    // What is taken off a query's scores: the logarithm of its sum, +infinity where it sees no key.
    private static float Shift(float lse) => float.IsNegativeInfinity(lse) ? float.PositiveInfinity : lse;

    // scores = p = e^(scores - lse)
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Probabilities<S, V>(float* scores, int begin, int end, float* lse)
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        for (int i = begin; i < end; i++)
        {
            float* row = scores + (i * 2 * S.Width);
            V shift = S.Set(Shift(lse[i]));
            S.Store(row, SimdMath.ExpOfDifference<S, V>(S.Sub(S.Load(row), shift)));
            S.Store(row + S.Width, SimdMath.ExpOfDifference<S, V>(S.Sub(S.Load(row + S.Width), shift)));
        }
    }

    // scores = p = e^(scores - lse), products = p * (products - delta)
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Gradients<S, V>(float* scores, float* products, int begin, int end, float* lse, float* delta)
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        for (int i = begin; i < end; i++)
        {
            float* row = scores + (i * 2 * S.Width), product = products + (i * 2 * S.Width);
            V shift = S.Set(Shift(lse[i])), off = S.Set(delta[i]);
            V a = SimdMath.ExpOfDifference<S, V>(S.Sub(S.Load(row), shift));
            V b = SimdMath.ExpOfDifference<S, V>(S.Sub(S.Load(row + S.Width), shift));
            S.Store(row, a);
            S.Store(row + S.Width, b);
            S.Store(product, S.Mul(a, S.Sub(S.Load(product), off)));
            S.Store(product + S.Width, S.Mul(b, S.Sub(S.Load(product + S.Width), off)));
        }
    }

    private struct Memory
    {
        public float* Queries, Dy, QuerySums, DySums, Keys, Values, Scores, Products, KeyResult, ValueResult, Turned, KeySums, TurnedPanel, QuerySum;
        public int* Offsets;
        public long Floats;

        public static Memory Of<S, V>(float* scratch, in AttentionShape shape, bool querySums)
            where S : struct, ISimd<V>
            where V : unmanaged
        {
            var cut = new CpuAttentionMemory(scratch);
            long packed = (long)shape.Tq * shape.D, panel = 2L * S.Width * shape.D, block = 2L * S.Width * CpuAttentionRows.MaxBlock<S, V>();
            var memory = new Memory
            {
                Queries = cut.Take(packed),
                Dy = cut.Take(packed),
                QuerySums = cut.Take(packed),
                DySums = cut.Take(packed),
                Keys = cut.Take(panel),
                Values = cut.Take(panel),
                Scores = cut.Take(block),
                Products = cut.Take(block),
                KeyResult = cut.Take(panel),
                ValueResult = cut.Take(panel),
                Turned = cut.Take(panel),
                Offsets = (int*)cut.Take(CpuAttentionRows.Terms<S, V>(shape.D)),
            };
            if (querySums)
            {
                memory.KeySums = cut.Take(panel);
                memory.TurnedPanel = cut.Take(4L * S.Width * S.Width);
                memory.QuerySum = cut.Take(new CpuAttentionQuerySums(new CpuAttentionRows(shape.Tq, shape.D)).Floats<S, V>());
            }

            memory.Floats = cut.Used;
            return memory;
        }
    }
}
