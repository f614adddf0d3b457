using System.Runtime.CompilerServices;

namespace SmartFrz.Kernels.Cpu;

/// <summary>Sums and maxima along one row of memory.</summary>
internal static unsafe class CpuRow
{
    // Elements added in single precision before the sum goes on in double: at most some 100 in one lane.
    private const int ChunkElements = 2048;

    /// <summary>The largest element; NaN if there is one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Max<S, V>(float* x, int count)
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        // Four chains: a maximum that minds NaN is several instructions long.
        V m0 = S.Set(float.NegativeInfinity), m1 = m0, m2 = m0, m3 = m0;
        int i = 0;
        for (; i + (4 * S.Width) <= count; i += 4 * S.Width)
        {
            m0 = S.Max(m0, S.Load(x + i));
            m1 = S.Max(m1, S.Load(x + i + S.Width));
            m2 = S.Max(m2, S.Load(x + i + (2 * S.Width)));
            m3 = S.Max(m3, S.Load(x + i + (3 * S.Width)));
        }

        for (; i + S.Width <= count; i += S.Width)
        {
            m0 = S.Max(m0, S.Load(x + i));
        }

        if (i < count)
        {
            m0 = S.Max(m0, SimdPart.Load<S, V>(x + i, count - i, float.NegativeInfinity));
        }

        V max = S.Max(S.Max(m0, m1), S.Max(m2, m3));
        float* lanes = stackalloc float[S.Width];
        S.Store(lanes, max);
        float largest = lanes[0];
        for (int lane = 1; lane < S.Width; lane++)
        {
            largest = MathF.Max(largest, lanes[lane]);
        }

        return largest;
    }

    /// <summary>The sum of all elements.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double Sum<S, V>(float* x, int count)
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        double sum = 0;
        for (int from = 0; from < count; from += ChunkElements)
        {
            int stop = Math.Min(count, from + ChunkElements), i = from;
            V s0 = S.Zero, s1 = S.Zero;
            for (; i + (2 * S.Width) <= stop; i += 2 * S.Width)
            {
                s0 = S.Add(s0, S.Load(x + i));
                s1 = S.Add(s1, S.Load(x + i + S.Width));
            }

            for (; i < stop; i += S.Width)
            {
                s0 = S.Add(s0, i + S.Width <= stop ? S.Load(x + i) : SimdPart.Load<S, V>(x + i, stop - i, 0f));
            }

            sum += (double)S.Sum(s0) + S.Sum(s1);
        }

        return sum;
    }

    /// <summary>The sum of the products of two rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double Dot<S, V>(float* a, float* b, int count)
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        double sum = 0;
        for (int from = 0; from < count; from += ChunkElements)
        {
            int stop = Math.Min(count, from + ChunkElements);
            V s = S.Zero;
            for (int i = from; i < stop; i += S.Width)
            {
                bool full = i + S.Width <= stop;
                s = S.Fma(
                    full ? S.Load(a + i) : SimdPart.Load<S, V>(a + i, stop - i, 0f),
                    full ? S.Load(b + i) : SimdPart.Load<S, V>(b + i, stop - i, 0f),
                    s);
            }

            sum += S.Sum(s);
        }

        return sum;
    }

    /// <summary>The sum of e^(x - shift); each of them is kept where <paramref name="y"/> is not null.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double SumExp<S, V>(float* x, float* y, int count, float shift)
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        double sum = 0;
        V k = S.Set(shift);
        for (int from = 0; from < count; from += ChunkElements)
        {
            int stop = Math.Min(count, from + ChunkElements), i = from;
            V s = S.Zero;
            for (; i + S.Width <= stop; i += S.Width)
            {
                V e = SimdMath.ExpOfDifference<S, V>(S.Sub(S.Load(x + i), k));
                s = S.Add(s, e);
                if (y != null)
                {
                    S.Store(y + i, e);
                }
            }

            if (i < stop)
            {
                V e = SimdMath.ExpOfDifference<S, V>(S.Sub(SimdPart.Load<S, V>(x + i, stop - i, float.NegativeInfinity), k));
                s = S.Add(s, e);
                if (y != null)
                {
                    SimdPart.Store<S, V>(y + i, stop - i, e);
                }
            }

            sum += S.Sum(s);
        }

        return sum;
    }
}
