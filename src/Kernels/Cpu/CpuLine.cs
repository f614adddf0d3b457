using System.Runtime.CompilerServices;

namespace SmartFrz.Kernels.Cpu;

/// <summary>
/// The innermost loops of convolutions with one or few channels in a group, where nothing can be shared between output channels: sums
/// along pixels with several registers of pixels (or several taps) under way to hide the latency.
/// </summary>
internal static unsafe class CpuLine
{
    /// <summary>Taps that <see cref="Dots"/> does at once.</summary>
    public const int MaxDots = 9;

    /// <summary>
    /// c[j] = finish(plus[j] + bias + sum over k of a[k] * b[offsets[k] + j]) for j &lt; count; reads no further in b than a register past
    /// count. <paramref name="plus"/> (c itself to add to it) and <paramref name="finish"/> may be null.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Sum<S, V>(int k, float* a, int* offsets, float* b, float* c, int count, float* plus, float bias, CpuFinish* finish)
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        float* residual = finish != null ? finish->Residual : null;
        int j = 0;
        for (; j + (4 * S.Width) <= count; j += 4 * S.Width)
        {
            V s0 = S.Set(bias), s1 = s0, s2 = s0, s3 = s0;
            for (int i = 0; i < k; i++)
            {
                float* p = b + offsets[i] + j;
                V x = S.Set(a[i]);
                s0 = S.Fma(x, S.Load(p), s0);
                s1 = S.Fma(x, S.Load(p + S.Width), s1);
                s2 = S.Fma(x, S.Load(p + (2 * S.Width)), s2);
                s3 = S.Fma(x, S.Load(p + (3 * S.Width)), s3);
            }

            if (plus != null)
            {
                float* from = plus + j;
                s0 = S.Add(s0, S.Load(from));
                s1 = S.Add(s1, S.Load(from + S.Width));
                s2 = S.Add(s2, S.Load(from + (2 * S.Width)));
                s3 = S.Add(s3, S.Load(from + (3 * S.Width)));
            }

            if (finish != null)
            {
                s0 = finish->Of<S, V>(s0, 0, residual + j);
                s1 = finish->Of<S, V>(s1, 0, residual + j + S.Width);
                s2 = finish->Of<S, V>(s2, 0, residual + j + (2 * S.Width));
                s3 = finish->Of<S, V>(s3, 0, residual + j + (3 * S.Width));
            }

            float* to = c + j;
            S.Store(to, s0);
            S.Store(to + S.Width, s1);
            S.Store(to + (2 * S.Width), s2);
            S.Store(to + (3 * S.Width), s3);
        }

        for (; j < count; j += S.Width)
        {
            V sum = S.Set(bias);
            for (int i = 0; i < k; i++)
            {
                sum = S.Fma(S.Set(a[i]), S.Load(b + offsets[i] + j), sum);
            }

            int n = Math.Min(S.Width, count - j);
            sum = plus != null ? S.Add(sum, Part(plus + j, n)) : sum;
            sum = finish != null ? finish->Of<S, V>(sum, 0, residual != null ? Part(residual + j, n) : S.Zero) : sum;
            if (n == S.Width)
            {
                S.Store(c + j, sum);
            }
            else
            {
                SimdPart.Store<S, V>(c + j, n, sum);
            }
        }

        static V Part(float* p, int n) => n == S.Width ? S.Load(p) : SimdPart.Load<S, V>(p, n, 0f);
    }

    /// <summary>c[i*ldc] += sum over p &lt; count of a[offsets[i] + p] * b[p], for <paramref name="rows"/> rows, at most <see cref="MaxDots"/>.</summary>
    public static void Dots<S, V>(int rows, int count, float* a, int* offsets, float* b, float* c, nint ldc)
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        switch (rows)
        {
            case 1:
                DotRows<S, V, CpuTile.Rows1>(count, a, offsets, b, c, ldc);
                break;
            case 2:
                DotRows<S, V, CpuTile.Rows2>(count, a, offsets, b, c, ldc);
                break;
            case 3:
                DotRows<S, V, CpuTile.Rows3>(count, a, offsets, b, c, ldc);
                break;
            case 4:
                DotRows<S, V, CpuTile.Rows4>(count, a, offsets, b, c, ldc);
                break;
            case 5:
                DotRows<S, V, CpuTile.Rows5>(count, a, offsets, b, c, ldc);
                break;
            case 6:
                DotRows<S, V, CpuTile.Rows6>(count, a, offsets, b, c, ldc);
                break;
            case 7:
                DotRows<S, V, CpuTile.Rows7>(count, a, offsets, b, c, ldc);
                break;
            case 8:
                DotRows<S, V, CpuTile.Rows8>(count, a, offsets, b, c, ldc);
                break;
            case 9:
                DotRows<S, V, CpuTile.Rows9>(count, a, offsets, b, c, ldc);
                break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void DotRows<S, V, R>(int count, float* a, int* offsets, float* b, float* c, nint ldc)
        where S : struct, ISimd<V>
        where V : unmanaged
        where R : struct, IRows
    {
        float* a0 = a + offsets[0];
        float* a1 = R.Count > 1 ? a + offsets[1] : null;
        float* a2 = R.Count > 2 ? a + offsets[2] : null;
        float* a3 = R.Count > 3 ? a + offsets[3] : null;
        float* a4 = R.Count > 4 ? a + offsets[4] : null;
        float* a5 = R.Count > 5 ? a + offsets[5] : null;
        float* a6 = R.Count > 6 ? a + offsets[6] : null;
        float* a7 = R.Count > 7 ? a + offsets[7] : null;
        float* a8 = R.Count > 8 ? a + offsets[8] : null;
        V s0 = S.Zero, s1 = S.Zero, s2 = S.Zero, s3 = S.Zero, s4 = S.Zero, s5 = S.Zero, s6 = S.Zero, s7 = S.Zero, s8 = S.Zero;
        nint p = 0;
        for (; p + S.Width <= count; p += S.Width)
        {
            V x = S.Load(b + p);
            s0 = S.Fma(x, S.Load(a0 + p), s0);
            if (R.Count > 1) { s1 = S.Fma(x, S.Load(a1 + p), s1); }
            if (R.Count > 2) { s2 = S.Fma(x, S.Load(a2 + p), s2); }
            if (R.Count > 3) { s3 = S.Fma(x, S.Load(a3 + p), s3); }
            if (R.Count > 4) { s4 = S.Fma(x, S.Load(a4 + p), s4); }
            if (R.Count > 5) { s5 = S.Fma(x, S.Load(a5 + p), s5); }
            if (R.Count > 6) { s6 = S.Fma(x, S.Load(a6 + p), s6); }
            if (R.Count > 7) { s7 = S.Fma(x, S.Load(a7 + p), s7); }
            if (R.Count > 8) { s8 = S.Fma(x, S.Load(a8 + p), s8); }
        }

        Add<S, V>(s0, a0, b, p, count, c);
        if (R.Count > 1) { Add<S, V>(s1, a1, b, p, count, c + (1 * ldc)); }
        if (R.Count > 2) { Add<S, V>(s2, a2, b, p, count, c + (2 * ldc)); }
        if (R.Count > 3) { Add<S, V>(s3, a3, b, p, count, c + (3 * ldc)); }
        if (R.Count > 4) { Add<S, V>(s4, a4, b, p, count, c + (4 * ldc)); }
        if (R.Count > 5) { Add<S, V>(s5, a5, b, p, count, c + (5 * ldc)); }
        if (R.Count > 6) { Add<S, V>(s6, a6, b, p, count, c + (6 * ldc)); }
        if (R.Count > 7) { Add<S, V>(s7, a7, b, p, count, c + (7 * ldc)); }
        if (R.Count > 8) { Add<S, V>(s8, a8, b, p, count, c + (8 * ldc)); }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add<S, V>(V lanes, float* a, float* b, nint p, nint count, float* c)
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        float sum = S.Sum(lanes);
        for (; p < count; p++)
        {
            sum = MathF.FusedMultiplyAdd(a[p], b[p], sum);
        }

        *c += sum;
    }
}
