using System.Runtime.CompilerServices;

namespace SmartFrz.Kernels.Cpu;

/// <summary>The CPU body of <see cref="AttentionKernel"/>: a panel is two registers of queries, the rows are keys.</summary>
internal unsafe struct CpuAttentionForward : ICpuAttentionPass
{
    public CpuAttentionOperands Of;
    public float* Y;

    public readonly int Lanes => Of.Shape.Tq;

    public readonly long Flops => Of.Shape.Flops(products: 2);

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
        keys.PackForSums<S, V>(Of.V + Of.Key(head), 1f, memory.Values);
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
        long at = Of.Query(head) + ((long)first * Of.Shape.D);
        keys.PackPanel<S, V>(Of.Q + at, lanes, Of.Shape.Scale, memory.Queries);
        float* terms = Of.TermsOf(head);

        // A block may hold nothing but keys whose term hides them: what is subtracted has to be a number even there.
        V max0 = S.Set(terms == null ? float.NegativeInfinity : float.MinValue), max1 = max0, sum0 = S.Zero, sum1 = S.Zero;
        for (int block = 0; block < keys.Blocks<S, V>() && keys.First<S, V>(block) < seen; block++)
        {
            int row = keys.First<S, V>(block), end = Math.Min(keys.First<S, V>(block + 1), seen) - row;
            keys.Scores<S, V>(block, 0, end, memory.Keys, memory.Queries, memory.Offsets, memory.Scores);
            if (terms != null)
            {
                CpuAttentionMask.AddToRows<S, V>(memory.Scores, terms + row, end);
            }

            if (Of.Shape.Causal)
            {
                CpuAttentionMask.HideLaterRows<S, V>(memory.Scores, row - first, end);
            }

            V top0 = max0, top1 = max1;
            Largest<S, V>(memory.Scores, end, ref top0, ref top1);
            if (block > 0)
            {
                V down0 = SimdMath.ExpOfDifference<S, V>(S.Sub(max0, top0)), down1 = SimdMath.ExpOfDifference<S, V>(S.Sub(max1, top1));
                sum0 = S.Mul(sum0, down0);
                sum1 = S.Mul(sum1, down1);
                Scale<S, V>(memory.Result, Of.Shape.D, down0, down1);
            }

            (max0, max1) = (top0, top1);
            Exponentials<S, V>(memory.Scores, end, top0, top1, ref sum0, ref sum1);
            keys.Sums<S, V>(block, 0, end, memory.Values, memory.Scores, memory.Offsets, block > 0, memory.Result);
        }

        if (seen == 0)
        {
            keys.Clear(Y + at, lanes);
        }
        else
        {
            Scale<S, V>(memory.Result, Of.Shape.D, Inverse<S, V>(sum0), Inverse<S, V>(sum1));
            keys.Store<S, V>(memory.Result, lanes, false, null, Y + at);
        }

        float* lse = memory.Scores;
        S.Store(lse, S.Add(max0, SimdMath.Log<S, V>(sum0)));
        S.Store(lse + S.Width, S.Add(max1, SimdMath.Log<S, V>(sum1)));
        new ReadOnlySpan<float>(lse, lanes).CopyTo(new Span<float>(Of.Lse + ((long)head * Of.Shape.Tq) + first, lanes));
    }

    // 1 / sum, which the largest score makes 1 at least; 0 where no key is seen. A NaN stays one.
    private static V Inverse<S, V>(V sum)
        where S : struct, ISimd<V>
        where V : unmanaged
        => S.Select(S.Greater(S.Set(0.5f), sum), S.Zero, S.Div(S.Set(1f), sum));

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Largest<S, V>(float* scores, int rows, ref V left, ref V right)
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        // A comparison drops a NaN, but its exponential brings it back.
        V l = left, r = right;
        for (int i = 0; i < rows; i++, scores += 2 * S.Width)
        {
            V a = S.Load(scores), b = S.Load(scores + S.Width);
            l = S.Select(S.Greater(a, l), a, l);
            r = S.Select(S.Greater(b, r), b, r);
        }

        (left, right) = (l, r);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Exponentials<S, V>(float* scores, int rows, V max0, V max1, ref V sum0, ref V sum1)
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        // The sum of a block by itself first: no chain of additions is longer than a block.
        V s0 = S.Zero, s1 = S.Zero;
        for (int i = 0; i < rows; i++, scores += 2 * S.Width)
        {
            V a = SimdMath.ExpOfDifference<S, V>(S.Sub(S.Load(scores), max0));
            V b = SimdMath.ExpOfDifference<S, V>(S.Sub(S.Load(scores + S.Width), max1));
            S.Store(scores, a);
            S.Store(scores + S.Width, b);
            s0 = S.Add(s0, a);
            s1 = S.Add(s1, b);
        }

        sum0 = S.Add(sum0, s0);
        sum1 = S.Add(sum1, s1);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Scale<S, V>(float* result, int rows, V left, V right)
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        for (int i = 0; i < rows; i++, result += 2 * S.Width)
        {
            S.Store(result, S.Mul(S.Load(result), left));
            S.Store(result + S.Width, S.Mul(S.Load(result + S.Width), right));
        }
    }

    private struct Memory
    {
        public float* Keys, Values, Queries, Scores, Result;
        public int* Offsets;
        public long Floats;

        public static Memory Of<S, V>(float* scratch, in AttentionShape shape)
            where S : struct, ISimd<V>
            where V : unmanaged
        {
            var cut = new CpuAttentionMemory(scratch);
            int width = 2 * S.Width;
            var memory = new Memory
            {
                Keys = cut.Take((long)shape.Tk * shape.D),
                Values = cut.Take((long)shape.Tk * shape.D),
                Queries = cut.Take((long)width * shape.D),
                Scores = cut.Take((long)width * CpuAttentionRows.MaxBlock<S, V>()),
                Result = cut.Take((long)width * shape.D),
                Offsets = (int*)cut.Take(CpuAttentionRows.Terms<S, V>(shape.D)),
            };
            memory.Floats = cut.Used;
            return memory;
        }
    }
}
