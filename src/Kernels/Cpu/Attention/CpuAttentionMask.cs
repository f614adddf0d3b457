using System.Runtime.CompilerServices;

namespace SmartFrz.Kernels.Cpu;

/// <summary>What is done to scores before softmax, row by row: terms of keys are added, later keys are hidden.</summary>
internal static unsafe class CpuAttentionMask
{
    private static ReadOnlySpan<float> Lanes =>
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31];

    /// <summary>Rows are keys, lanes queries; row 0 is key <paramref name="shift"/> as seen from lane 0. A query does not see later keys.</summary>
    public static void HideLaterRows<S, V>(float* scores, int shift, int rows)
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        fixed (float* lanes = Lanes)
        {
            V left = S.Load(lanes), right = S.Load(lanes + S.Width), hidden = S.Set(float.NegativeInfinity);
            for (int i = Math.Max(0, 1 - shift); i < rows; i++)
            {
                float* row = scores + (i * 2 * S.Width);
                V key = S.Set(shift + i);
                S.Store(row, S.Select(S.Greater(key, left), hidden, S.Load(row)));
                S.Store(row + S.Width, S.Select(S.Greater(key, right), hidden, S.Load(row + S.Width)));
            }
        }
    }

    /// <summary>Rows are queries, lanes keys; row 0 is query <paramref name="shift"/> as seen from lane 0. A query does not see later keys.</summary>
    public static void HideLaterLanes<S, V>(float* scores, int shift, int begin, int rows)
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        fixed (float* lanes = Lanes)
        {
            V left = S.Load(lanes), right = S.Load(lanes + S.Width), hidden = S.Set(float.NegativeInfinity);
            for (int i = begin; i < rows && shift + i < (2 * S.Width) - 1; i++)
            {
                float* row = scores + (i * 2 * S.Width);
                V query = S.Set(shift + i);
                S.Store(row, S.Select(S.Greater(left, query), hidden, S.Load(row)));
                S.Store(row + S.Width, S.Select(S.Greater(right, query), hidden, S.Load(row + S.Width)));
            }
        }
    }

    /// <summary>Rows are keys: each gets the term of its key.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddToRows<S, V>(float* scores, float* terms, int rows)
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        for (int i = 0; i < rows; i++, scores += 2 * S.Width)
        {
            V term = S.Set(terms[i]);
            S.Store(scores, S.Add(S.Load(scores), term));
            S.Store(scores + S.Width, S.Add(S.Load(scores + S.Width), term));
        }
    }

    /// <summary>Lanes are keys, <paramref name="keys"/> of them: each gets the term of its key, in rows from one on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddToLanes<S, V>(float* scores, float* terms, int keys, int begin, int rows)
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        V left = Lane<S, V>(terms, keys, 0f), right = Lane<S, V>(terms + S.Width, keys - S.Width, 0f);
        for (int i = begin; i < rows; i++)
        {
            float* row = scores + (i * 2 * S.Width);
            S.Store(row, S.Add(S.Load(row), left));
            S.Store(row + S.Width, S.Add(S.Load(row + S.Width), right));
        }
    }

    /// <summary>A register of which the first numbers are in memory; the others get a number that does no harm.</summary>
    public static V Lane<S, V>(float* x, int count, float others)
        where S : struct, ISimd<V>
        where V : unmanaged
        => count >= S.Width ? S.Load(x) : SimdPart.Load<S, V>(x, count, others);
}
