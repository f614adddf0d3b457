using System.Runtime.CompilerServices;

namespace SmartFrz.Kernels.Cpu;

/// <summary>A step between neighbouring outputs' sources known to the JIT; 0 for one known at run time.</summary>
internal interface IStep
{
    static abstract int Count { get; }
}

/// <summary>The innermost loops of a depthwise convolution, channels in the lanes.</summary>
internal static unsafe class CpuDepthwiseTile
{
    /// <summary>Taps whose gradients are summed at a time: their offsets stay in general registers too.</summary>
    public const int MaxTaps = 9;

    /// <summary>What becomes of the sums of one register of channels.</summary>
    public struct Epilogue<V>
        where V : unmanaged
    {
        public V Bias, Mean, Scale, Beta;
        public bool Normalises;
        public Activation Activation;

        /// <summary>Elements from one output to the next.</summary>
        public nint Step;

        /// <summary>From an output to what is added to it, or 0.</summary>
        public nint ToPlus;
    }

    /// <summary>
    /// Two runs of four neighbouring outputs: each the sum over taps of w[tap] * source[offsets[tap] + its place]. Eight sums are under
    /// way at once, which hides the latency of a multiply-add; a weight is loaded once for all.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void TwoRuns<S, V, TStep>(int taps, float* w, int* offsets, float* a, float* b, nint step, float* toA, float* toB, in Epilogue<V> epilogue)
        where S : struct, ISimd<V>
        where V : unmanaged
        where TStep : struct, IStep
    {
        nint next = TStep.Count > 0 ? TStep.Count * S.Width : step;
        V a0 = S.Zero, a1 = S.Zero, a2 = S.Zero, a3 = S.Zero, b0 = S.Zero, b1 = S.Zero, b2 = S.Zero, b3 = S.Zero;
        for (; taps > 0; taps--, w += S.Width)
        {
            nint o = *offsets++;
            V tap = S.Load(w);
            float* p = a + o, q = b + o;
            a0 = S.Fma(tap, S.Load(p), a0);
            a1 = S.Fma(tap, S.Load(p + next), a1);
            a2 = S.Fma(tap, S.Load(p + (2 * next)), a2);
            a3 = S.Fma(tap, S.Load(p + (3 * next)), a3);
            b0 = S.Fma(tap, S.Load(q), b0);
            b1 = S.Fma(tap, S.Load(q + next), b1);
            b2 = S.Fma(tap, S.Load(q + (2 * next)), b2);
            b3 = S.Fma(tap, S.Load(q + (3 * next)), b3);
        }

        nint to = epilogue.Step;
        Finish<S, V>(a0, toA, epilogue);
        Finish<S, V>(a1, toA + to, epilogue);
        Finish<S, V>(a2, toA + (2 * to), epilogue);
        Finish<S, V>(a3, toA + (3 * to), epilogue);
        Finish<S, V>(b0, toB, epilogue);
        Finish<S, V>(b1, toB + to, epilogue);
        Finish<S, V>(b2, toB + (2 * to), epilogue);
        Finish<S, V>(b3, toB + (3 * to), epilogue);
    }

    /// <summary>sums[tap] += sum over rows and columns of dy * source[offsets[tap] + its place], for up to <see cref="MaxTaps"/> taps.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Gradient<S, V>(
        int taps, int rows, int columns, float* source, nint sourceStep, nint sourceRow, int* offsets, float* dy, float* sums)
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        // Absent taps repeat the first one and are not stored.
        nint o0 = offsets[0], o1 = offsets[taps > 1 ? 1 : 0], o2 = offsets[taps > 2 ? 2 : 0], o3 = offsets[taps > 3 ? 3 : 0], o4 = offsets[taps > 4 ? 4 : 0];
        nint o5 = offsets[taps > 5 ? 5 : 0], o6 = offsets[taps > 6 ? 6 : 0], o7 = offsets[taps > 7 ? 7 : 0], o8 = offsets[taps > 8 ? 8 : 0];
        V s0 = S.Zero, s1 = S.Zero, s2 = S.Zero, s3 = S.Zero, s4 = S.Zero, s5 = S.Zero, s6 = S.Zero, s7 = S.Zero, s8 = S.Zero;
        for (; rows > 0; rows--, source += sourceRow)
        {
            float* p = source;
            for (int q = columns; q > 0; q--, p += sourceStep, dy += S.Width)
            {
                V g = S.Load(dy);
                s0 = S.Fma(g, S.Load(p + o0), s0);
                s1 = S.Fma(g, S.Load(p + o1), s1);
                s2 = S.Fma(g, S.Load(p + o2), s2);
                s3 = S.Fma(g, S.Load(p + o3), s3);
                s4 = S.Fma(g, S.Load(p + o4), s4);
                s5 = S.Fma(g, S.Load(p + o5), s5);
                s6 = S.Fma(g, S.Load(p + o6), s6);
                s7 = S.Fma(g, S.Load(p + o7), s7);
                s8 = S.Fma(g, S.Load(p + o8), s8);
            }
        }

        Add<S, V>(sums, s0, taps > 0);
        Add<S, V>(sums + S.Width, s1, taps > 1);
        Add<S, V>(sums + (2 * S.Width), s2, taps > 2);
        Add<S, V>(sums + (3 * S.Width), s3, taps > 3);
        Add<S, V>(sums + (4 * S.Width), s4, taps > 4);
        Add<S, V>(sums + (5 * S.Width), s5, taps > 5);
        Add<S, V>(sums + (6 * S.Width), s6, taps > 6);
        Add<S, V>(sums + (7 * S.Width), s7, taps > 7);
        Add<S, V>(sums + (8 * S.Width), s8, taps > 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add<S, V>(float* sum, V v, bool present)
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        if (present)
        {
            S.Store(sum, S.Add(S.Load(sum), v));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Finish<S, V>(V sum, float* to, in Epilogue<V> epilogue)
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        V v = S.Add(sum, epilogue.Bias);
        if (epilogue.Normalises)
        {
            v = CpuFinish.Normalise<S, V>(v, epilogue.Mean, epilogue.Scale, epilogue.Beta);
        }

        v = epilogue.ToPlus != 0 ? S.Add(v, S.Load(to + epilogue.ToPlus)) : v;
        S.Store(to, CpuFinish.Activate<S, V>(v, epilogue.Activation));
    }

    internal readonly struct Step1 : IStep { public static int Count => 1; }
    internal readonly struct Step2 : IStep { public static int Count => 2; }
    internal readonly struct StepAny : IStep { public static int Count => 0; }
}
