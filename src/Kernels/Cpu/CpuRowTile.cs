using System.Runtime.CompilerServices;

namespace SmartFrz.Kernels.Cpu;

/// <summary>
/// The innermost product of the weight gradient: rows of A, each read number by number from a place of its own, by one or two registers of a
/// packed B, kept in registers over the whole sum.
/// </summary>
/// <remarks>
/// A tile is six rows by two registers; or six rows by one; or, so that one register still finds enough independent sums, two times
/// six rows by one, the second six a fixed distance from the first (which takes one index register more instead of six addresses).
/// Row i is in the accumulators <c>l</c>i and <c>r</c>i: left and right register, or first and second half.
/// </remarks>
internal static unsafe class CpuRowTile
{
    /// <summary>Rows of the tallest tile.</summary>
    public const int MaxRows = 6;

    /// <summary>The pixels of a sum: lines of so many numbers; in A, so many are skipped between lines.</summary>
    public readonly record struct Walk(int Lines, int Length, int Skip);

    /// <summary>C[i, j] += sum over pixels p of a[offsets[i] + p] * b[p*width + j], for the columns of two registers.</summary>
    public static void TwoRegisters<S, V>(int rows, Walk walk, float* a, int* offsets, float* b, float* c, nint ldc)
        where S : struct, ISimd<V>
        where V : unmanaged
        => Run<S, V, Wide>(rows, walk, a, offsets, 0, b, c, ldc, 0);

    /// <summary>The same for the columns of one register.</summary>
    public static void OneRegister<S, V>(int rows, Walk walk, float* a, int* offsets, float* b, float* c, nint ldc)
        where S : struct, ISimd<V>
        where V : unmanaged
        => Run<S, V, Narrow>(rows, walk, a, offsets, 0, b, c, ldc, 0);

    /// <summary>The same for the columns of one register, for rows i and also rows i + half, which lie that far off in A and C.</summary>
    public static void TwoHalves<S, V>(int rows, Walk walk, float* a, int* offsets, nint halfA, float* b, float* c, nint ldc, nint halfC)
        where S : struct, ISimd<V>
        where V : unmanaged
        => Run<S, V, Halves>(rows, walk, a, offsets, halfA, b, c, ldc, halfC);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<S, V, M>(int rows, Walk walk, float* a, int* offsets, nint halfA, float* b, float* c, nint ldc, nint halfC)
        where S : struct, ISimd<V>
        where V : unmanaged
        where M : struct, IMode
    {
        switch (rows)
        {
            case 1:
                Tile<S, V, CpuTile.Rows1, M>(walk.Lines, walk.Length, walk.Skip, a, offsets, halfA, b, c, ldc, halfC);
                break;
            case 2:
                Tile<S, V, CpuTile.Rows2, M>(walk.Lines, walk.Length, walk.Skip, a, offsets, halfA, b, c, ldc, halfC);
                break;
            case 3:
                Tile<S, V, CpuTile.Rows3, M>(walk.Lines, walk.Length, walk.Skip, a, offsets, halfA, b, c, ldc, halfC);
                break;
            case 4:
                Tile<S, V, CpuTile.Rows4, M>(walk.Lines, walk.Length, walk.Skip, a, offsets, halfA, b, c, ldc, halfC);
                break;
            case 5:
                Tile<S, V, CpuTile.Rows5, M>(walk.Lines, walk.Length, walk.Skip, a, offsets, halfA, b, c, ldc, halfC);
                break;
            case 6:
                Tile<S, V, CpuTile.Rows6, M>(walk.Lines, walk.Length, walk.Skip, a, offsets, halfA, b, c, ldc, halfC);
                break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile<S, V, R, M>(int lines, nint length, nint skip, float* a, int* offsets, nint halfA, float* b, float* c, nint ldc, nint halfC)
        where S : struct, ISimd<V>
        where V : unmanaged
        where R : struct, IRows
        where M : struct, IMode
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
        nint p = 0;
        for (; lines > 0; lines--, p += skip)
        {
            for (nint end = p + length; p < end; p++, b += M.TwoRegisters ? 2 * S.Width : S.Width)
            {
                V left = S.Load(b), right = M.TwoRegisters ? S.Load(b + S.Width) : left;
                nint q = M.TwoHalves ? p + halfA : p;
                V x = S.Set(a0[p]); l0 = S.Fma(x, left, l0); r0 = M.TwoHalves ? S.Fma(S.Set(a0[q]), left, r0) : M.TwoRegisters ? S.Fma(x, right, r0) : r0;
                if (R.Count > 1) { x = S.Set(a1[p]); l1 = S.Fma(x, left, l1); r1 = M.TwoHalves ? S.Fma(S.Set(a1[q]), left, r1) : M.TwoRegisters ? S.Fma(x, right, r1) : r1; }
                if (R.Count > 2) { x = S.Set(a2[p]); l2 = S.Fma(x, left, l2); r2 = M.TwoHalves ? S.Fma(S.Set(a2[q]), left, r2) : M.TwoRegisters ? S.Fma(x, right, r2) : r2; }
                if (R.Count > 3) { x = S.Set(a3[p]); l3 = S.Fma(x, left, l3); r3 = M.TwoHalves ? S.Fma(S.Set(a3[q]), left, r3) : M.TwoRegisters ? S.Fma(x, right, r3) : r3; }
                if (R.Count > 4) { x = S.Set(a4[p]); l4 = S.Fma(x, left, l4); r4 = M.TwoHalves ? S.Fma(S.Set(a4[q]), left, r4) : M.TwoRegisters ? S.Fma(x, right, r4) : r4; }
                if (R.Count > 5) { x = S.Set(a5[p]); l5 = S.Fma(x, left, l5); r5 = M.TwoHalves ? S.Fma(S.Set(a5[q]), left, r5) : M.TwoRegisters ? S.Fma(x, right, r5) : r5; }
            }
        }

        Add<S, V, M>(c, halfC, l0, r0);
        if (R.Count > 1) { c += ldc; Add<S, V, M>(c, halfC, l1, r1); }
        if (R.Count > 2) { c += ldc; Add<S, V, M>(c, halfC, l2, r2); }
        if (R.Count > 3) { c += ldc; Add<S, V, M>(c, halfC, l3, r3); }
        if (R.Count > 4) { c += ldc; Add<S, V, M>(c, halfC, l4, r4); }
        if (R.Count > 5) { c += ldc; Add<S, V, M>(c, halfC, l5, r5); }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add<S, V, M>(float* c, nint halfC, V left, V right)
        where S : struct, ISimd<V>
        where V : unmanaged
        where M : struct, IMode
    {
        S.Store(c, S.Add(S.Load(c), left));
        if (M.TwoRegisters || M.TwoHalves)
        {
            float* other = c + (M.TwoHalves ? halfC : S.Width);
            S.Store(other, S.Add(S.Load(other), right));
        }
    }

    private interface IMode
    {
        static abstract bool TwoRegisters { get; }

        static abstract bool TwoHalves { get; }
    }

    private readonly struct Wide : IMode
    {
        public static bool TwoRegisters => true;

        public static bool TwoHalves => false;
    }

    private readonly struct Narrow : IMode
    {
        public static bool TwoRegisters => false;

        public static bool TwoHalves => false;
    }

    private readonly struct Halves : IMode
    {
        public static bool TwoRegisters => false;

        public static bool TwoHalves => true;
    }
}
