using System.Runtime.CompilerServices;

namespace SmartFrz.Kernels.Cpu;

/// <summary>The CPU body of <see cref="AttentionQueryGradKernel"/>: a panel is two registers of queries, the rows are keys.</summary>
internal unsafe struct CpuAttentionQueryGrad : ICpuAttentionPass
{
    public CpuAttentionOperands Of;
    public float* Dq;
    public bool Accumulate;

    public readonly int Lanes => Of.Shape.Tq;

    public readonly long Flops => Of.Shape.Flops(products: 3);

    public readonly AttentionShape Shape => Of.Shape;

    public readonly bool WholeHeads => false;

    public readonly long ScratchFloats<S, V>()
        where S : struct, ISimd<V>
        where V : unmanaged
        => Memory.Of<S, V>(null, Of.Shape).Floats;

    public readonly void Begin<S, V>(float* scratch, int head)
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        var memory = Memory.Of<S, V>(scratch, Of.Shape);
        var keys = new CpuAttentionRows(Of.Keys(head), Of.Shape.D);
        keys.FillOffsets<S, V>(memory.Offsets);
        keys.PackForScores<S, V>(Of.K + Of.Key(head), 1f, memory.Keys);
        keys.PackForScores<S, V>(Of.V + Of.Key(head), 1f, memory.Values);
        keys.PackForSums<S, V>(Of.K + Of.Key(head), Of.Shape.Scale, memory.KeySums);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Panel<S, V>(float* scratch, int head, int first)
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        var memory = Memory.Of<S, V>(scratch, Of.Shape);
        var keys = new CpuAttentionRows(Of.Keys(head), Of.Shape.D);
        int lanes = Math.Min(2 * S.Width, Of.Shape.Tq - first);
        int seen = Of.Shape.Causal ? Math.Min(keys.Count, first + lanes) : keys.Count;
        long at = Of.Query(head) + ((long)first * Of.Shape.D), line = ((long)head * Of.Shape.Tq) + first;
        if (seen == 0)
        {
            if (!Accumulate)
            {
                keys.Clear(Dq + at, lanes);
            }

            return;
        }

        keys.PackPanel<S, V>(Of.Q + at, lanes, Of.Shape.Scale, memory.Queries);
        keys.PackPanel<S, V>(Of.Dy + at, lanes, 1f, memory.Dy);

        // Absent lanes get probability 0, and so do queries that see no key.
        V lse0 = Shift<S, V>(Of.Lse + line, lanes), lse1 = Shift<S, V>(Of.Lse + line + S.Width, lanes - S.Width);
        V delta0 = CpuAttentionMask.Lane<S, V>(Of.Delta + line, lanes, 0f), delta1 = CpuAttentionMask.Lane<S, V>(Of.Delta + line + S.Width, lanes - S.Width, 0f);
        float* terms = Of.TermsOf(head);
        for (int block = 0; block < keys.Blocks<S, V>() && keys.First<S, V>(block) < seen; block++)
        {
            int row = keys.First<S, V>(block), end = Math.Min(keys.First<S, V>(block + 1), seen) - row;
            keys.Scores<S, V>(block, 0, end, memory.Keys, memory.Queries, memory.Offsets, memory.Scores);
            keys.Scores<S, V>(block, 0, end, memory.Values, memory.Dy, memory.Offsets, memory.Products);
            if (terms != null)
            {
                CpuAttentionMask.AddToRows<S, V>(memory.Scores, terms + row, end);
            }

            if (Of.Shape.Causal)
            {
                CpuAttentionMask.HideLaterRows<S, V>(memory.Scores, row - first, end);
            }

            Gradients<S, V>(memory.Scores, memory.Products, end, lse0, lse1, delta0, delta1);

            // Panel by panel of keys, as the pass that makes all gradients at once has to add them.
            for (int begin = 0; begin < end; begin += 2 * S.Width)
            {
                int stop = Math.Min(end, begin + (2 * S.Width));
                keys.Sums<S, V>(block, begin, stop, memory.KeySums, memory.Scores, memory.Offsets, block > 0 || begin > 0, memory.Result);
            }
        }

        keys.Store<S, V>(memory.Result, lanes, Accumulate, memory.Turned, Dq + at);
    }

    // scores = e^(scores - lse) * (products - delta)
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Gradients<S, V>(float* scores, float* products, int rows, V lse0, V lse1, V delta0, V delta1)
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        for (int i = 0; i < rows; i++, scores += 2 * S.Width, products += 2 * S.Width)
        {
            V a = SimdMath.ExpOfDifference<S, V>(S.Sub(S.Load(scores), lse0));
            V b = SimdMath.ExpOfDifference<S, V>(S.Sub(S.Load(scores + S.Width), lse1));
            S.Store(scores, S.Mul(a, S.Sub(S.Load(products), delta0)));
            S.Store(scores + S.Width, S.Mul(b, S.Sub(S.Load(products + S.Width), delta1)));
        }
    }

    // What is taken off a query's scores: the logarithm of its sum, +infinity where there is none.
    private static V Shift<S, V>(float* lse, int count)
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        V none = S.Set(float.PositiveInfinity), x = CpuAttentionMask.Lane<S, V>(lse, count, float.PositiveInfinity);
        return S.Select(S.Greater(S.Set(float.MinValue), x), none, x);
    }

    private struct Memory
    {
        public float* Keys, Values, KeySums, Queries, Dy, Scores, Products, Result, Turned;
        public int* Offsets;
        public long Floats;

        public static Memory Of<S, V>(float* scratch, in AttentionShape shape)
            where S : struct, ISimd<V>
            where V : unmanaged
        {
            var cut = new CpuAttentionMemory(scratch);
            long packed = (long)shape.Tk * shape.D, panel = 2L * S.Width * shape.D, block = 2L * S.Width * CpuAttentionRows.MaxBlock<S, V>();
            var memory = new Memory
            {
                Keys = cut.Take(packed),
                Values = cut.Take(packed),
                KeySums = cut.Take(packed),
                Queries = cut.Take(panel),
                Dy = cut.Take(panel),
                Scores = cut.Take(block),
                Products = cut.Take(block),
                Result = cut.Take(panel),
                Turned = cut.Take(panel),
                Offsets = (int*)cut.Take(CpuAttentionRows.Terms<S, V>(shape.D)),
            };
            memory.Floats = cut.Used;
            return memory;
        }
    }
}
