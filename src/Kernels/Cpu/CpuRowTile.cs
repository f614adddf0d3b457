using System.Runtime.CompilerServices;

namespace SmartFrz.Kernels.Cpu;

/// <summary>
/// The innermost product of the weight gradient: up to six rows of A, each read number by number from a place of its own, by one or two
/// registers of a packed B, kept in registers over the whole sum. Row i is in the accumulators <c>l</c>i and <c>r</c>i.
/// </summary>
internal static unsafe class CpuRowTile
{
    /// <summary>Rows of the tallest tile.</summary>
    public const int MaxRows = 6;

    /// <summary>C[i, j] += sum over k of a[offsets[i] + k] * b[k*width + j], width being one register or two.</summary>
    public static void Run<S, V>(int rows, bool two, int k, float* a, int* offsets, float* b, float* c, nint ldc)
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        switch (two ? rows : -rows)
        {
            case 1:
                Tile<S, V, CpuTile.Rows1, CpuTile.Rows2>(k, a, offsets, b, c, ldc);
                break;
            case 2:
                Tile<S, V, CpuTile.Rows2, CpuTile.Rows2>(k, a, offsets, b, c, ldc);
                break;
            case 3:
                Tile<S, V, CpuTile.Rows3, CpuTile.Rows2>(k, a, offsets, b, c, ldc);
                break;
            case 4:
                Tile<S, V, CpuTile.Rows4, CpuTile.Rows2>(k, a, offsets, b, c, ldc);
                break;
            case 5:
                Tile<S, V, CpuTile.Rows5, CpuTile.Rows2>(k, a, offsets, b, c, ldc);
                break;
            case 6:
                Tile<S, V, CpuTile.Rows6, CpuTile.Rows2>(k, a, offsets, b, c, ldc);
                break;
            case -1:
                Tile<S, V, CpuTile.Rows1, CpuTile.Rows1>(k, a, offsets, b, c, ldc);
                break;
            case -2:
                Tile<S, V, CpuTile.Rows2, CpuTile.Rows1>(k, a, offsets, b, c, ldc);
                break;
            case -3:
                Tile<S, V, CpuTile.Rows3, CpuTile.Rows1>(k, a, offsets, b, c, ldc);
                break;
            case -4:
                Tile<S, V, CpuTile.Rows4, CpuTile.Rows1>(k, a, offsets, b, c, ldc);
                break;
            case -5:
                Tile<S, V, CpuTile.Rows5, CpuTile.Rows1>(k, a, offsets, b, c, ldc);
                break;
            case -6:
                Tile<S, V, CpuTile.Rows6, CpuTile.Rows1>(k, a, offsets, b, c, ldc);
                break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile<S, V, R, C>(int k, float* a, int* offsets, float* b, float* c, nint ldc)
        where S : struct, ISimd<V>
        where V : unmanaged
        where R : struct, IRows
        where C : struct, IRows
    {
        float* a0 = a + offsets[0];
        float* a1 = R.Count > 1 ? a + offsets[1] : null;
        float* a2 = R.Count > 2 ? a + offsets[2] : null;
        float* a3 = R.Count > 3 ? a + offsets[3] : null;
        float* a4 = R.Count > 4 ? a + offsets[4] : null;
        float* a5 = R.Count > 5 ? a + offsets[5] : null;
        V l0 = S.Zero, r0 = S.Zero;
        V l1 = S.Zero, r1 = S.Zero;
        V l2 = S.Zero, r2 = S.Zero;
        V l3 = S.Zero, r3 = S.Zero;
        V l4 = S.Zero, r4 = S.Zero;
        V l5 = S.Zero, r5 = S.Zero;
        for (nint i = 0; i < k; i++, b += C.Count * S.Width)
        {
            V left = S.Load(b), right = C.Count > 1 ? S.Load(b + S.Width) : S.Zero;
            V x = S.Set(a0[i]); l0 = S.Fma(x, left, l0); r0 = C.Count > 1 ? S.Fma(x, right, r0) : r0;
            if (R.Count > 1) { x = S.Set(a1[i]); l1 = S.Fma(x, left, l1); r1 = C.Count > 1 ? S.Fma(x, right, r1) : r1; }
            if (R.Count > 2) { x = S.Set(a2[i]); l2 = S.Fma(x, left, l2); r2 = C.Count > 1 ? S.Fma(x, right, r2) : r2; }
            if (R.Count > 3) { x = S.Set(a3[i]); l3 = S.Fma(x, left, l3); r3 = C.Count > 1 ? S.Fma(x, right, r3) : r3; }
            if (R.Count > 4) { x = S.Set(a4[i]); l4 = S.Fma(x, left, l4); r4 = C.Count > 1 ? S.Fma(x, right, r4) : r4; }
            if (R.Count > 5) { x = S.Set(a5[i]); l5 = S.Fma(x, left, l5); r5 = C.Count > 1 ? S.Fma(x, right, r5) : r5; }
        }

        Add<S, V, C>(c, l0, r0);
        if (R.Count > 1) { c += ldc; Add<S, V, C>(c, l1, r1); }
        if (R.Count > 2) { c += ldc; Add<S, V, C>(c, l2, r2); }
        if (R.Count > 3) { c += ldc; Add<S, V, C>(c, l3, r3); }
        if (R.Count > 4) { c += ldc; Add<S, V, C>(c, l4, r4); }
        if (R.Count > 5) { c += ldc; Add<S, V, C>(c, l5, r5); }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add<S, V, C>(float* c, V left, V right)
        where S : struct, ISimd<V>
        where V : unmanaged
        where C : struct, IRows
    {
        S.Store(c, S.Add(S.Load(c), left));
        if (C.Count > 1)
        {
            S.Store(c + S.Width, S.Add(S.Load(c + S.Width), right));
        }
    }
}
