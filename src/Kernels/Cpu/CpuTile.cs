using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.Arm;

namespace SmartFrz.Kernels.Cpu;

/// <summary>A number of rows known to the JIT, so that code for absent rows disappears.</summary>
internal interface IRows
{
    static abstract int Count { get; }
}

/// <summary>
/// The innermost product of matrix multiplication and convolution: a tile of C, up to twelve rows by two registers, kept in
/// registers over the whole sum. Row i is in the accumulators <c>l</c>i (left register) and <c>r</c>i (right).
/// </summary>
/// <remarks>
/// Eight accumulators are needed to hide the latency of a multiply-add on two ports. Six rows use 12 of the 16 registers of AVX2, twelve
/// rows 24 of the 32 of AVX-512; the rest hold the two registers of B and the number of A that is spread.
/// </remarks>
internal static unsafe class CpuTile
{
    /// <summary>Rows of the tallest tile that stays in registers.</summary>
    public static int MaxRows<S, V>()
        where S : struct, ISimd<V>
        where V : unmanaged
        => S.Width == 16 || AdvSimd.IsSupported ? 12 : 6;

    /// <summary>
    /// C[i, j] = finish(plus[i, j] + bias[i] + sum over k of a[k*rows + i] * b[offsets[k] + j]), for <paramref name="rows"/> rows and the
    /// columns of two registers, each with its own place in B and in C.
    /// </summary>
    /// <param name="rows">1 to <see cref="MaxRows"/>.</param>
    /// <param name="k">Terms of the sum.</param>
    /// <param name="a">The packed panel of A: <paramref name="rows"/> numbers for each term.</param>
    /// <param name="offsets">Where the row of each term begins in B.</param>
    /// <param name="b0">B of the left register.</param>
    /// <param name="b1">B of the right register.</param>
    /// <param name="c0">C of the left register.</param>
    /// <param name="c1">C of the right register.</param>
    /// <param name="ldc">Elements from one row of C to the next.</param>
    /// <param name="plus">What is added, laid out as C: that of the left register; C itself to add to it, or null.</param>
    /// <param name="bias">A number for each row, or null.</param>
    /// <param name="finish">What becomes of the sums before they are stored, or null.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run<S, V>(
        int rows, int k, float* a, int* offsets, float* b0, float* b1, float* c0, float* c1, nint ldc, float* plus, float* bias, CpuFinish* finish)
        where S : struct, ISimd<V>
        where V : unmanaged
        => Rows<S, V, Rows2>(rows, k, a, offsets, b0, b1, c0, c1, ldc, plus, bias, finish);

    /// <summary>As <see cref="Run"/>, the left register alone.</summary>
    public static void RunOne<S, V>(int rows, int k, float* a, int* offsets, float* b, float* c, nint ldc, float* plus, float* bias, CpuFinish* finish)
        where S : struct, ISimd<V>
        where V : unmanaged
        => Rows<S, V, Rows1>(rows, k, a, offsets, b, b, c, c, ldc, plus, bias, finish);

    // C is the number of registers in a row.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rows<S, V, C>(
        int rows, int k, float* a, int* offsets, float* b0, float* b1, float* c0, float* c1, nint ldc, float* plus, float* bias, CpuFinish* finish)
        where S : struct, ISimd<V>
        where V : unmanaged
        where C : struct, IRows
    {
        switch (rows)
        {
            case 1:
                Tile<S, V, Rows1, C>(k, a, offsets, b0, b1, c0, c1, ldc, plus, bias, finish);
                break;
            case 2:
                Tile<S, V, Rows2, C>(k, a, offsets, b0, b1, c0, c1, ldc, plus, bias, finish);
                break;
            case 3:
                Tile<S, V, Rows3, C>(k, a, offsets, b0, b1, c0, c1, ldc, plus, bias, finish);
                break;
            case 4:
                Tile<S, V, Rows4, C>(k, a, offsets, b0, b1, c0, c1, ldc, plus, bias, finish);
                break;
            case 5:
                Tile<S, V, Rows5, C>(k, a, offsets, b0, b1, c0, c1, ldc, plus, bias, finish);
                break;
            case 6:
                Tile<S, V, Rows6, C>(k, a, offsets, b0, b1, c0, c1, ldc, plus, bias, finish);
                break;
            case 7:
                Tile<S, V, Rows7, C>(k, a, offsets, b0, b1, c0, c1, ldc, plus, bias, finish);
                break;
            case 8:
                Tile<S, V, Rows8, C>(k, a, offsets, b0, b1, c0, c1, ldc, plus, bias, finish);
                break;
            case 9:
                Tile<S, V, Rows9, C>(k, a, offsets, b0, b1, c0, c1, ldc, plus, bias, finish);
                break;
            case 10:
                Tile<S, V, Rows10, C>(k, a, offsets, b0, b1, c0, c1, ldc, plus, bias, finish);
                break;
            case 11:
                Tile<S, V, Rows11, C>(k, a, offsets, b0, b1, c0, c1, ldc, plus, bias, finish);
                break;
            case 12:
                Tile<S, V, Rows12, C>(k, a, offsets, b0, b1, c0, c1, ldc, plus, bias, finish);
                break;
        }
    }

    /// <summary>As <see cref="Run"/> for registers that lie side by side in C and of which only the first <paramref name="columns"/> numbers count.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void RunColumns<S, V>(int rows, int columns, int k, float* a, int* offsets, float* b0, float* b1, float* c, nint ldc, bool add, float* bias)
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        if (columns == 2 * S.Width)
        {
            Run<S, V>(rows, k, a, offsets, b0, b1, c, c + S.Width, ldc, add ? c : null, bias, null);
            return;
        }

        float* whole = stackalloc float[12 * 32];
        if (columns > S.Width)
        {
            Run<S, V>(rows, k, a, offsets, b0, b1, whole, whole + S.Width, 2 * S.Width, null, bias, null);
        }
        else
        {
            RunOne<S, V>(rows, k, a, offsets, b0, whole, 2 * S.Width, null, bias, null);
        }

        for (int i = 0; i < rows; i++, c += ldc, whole += 2 * S.Width)
        {
            for (int j = 0; j < columns; j++)
            {
                c[j] = add ? c[j] + whole[j] : whole[j];
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile<S, V, R, C>(
        int k, float* a, int* offsets, float* b0, float* b1, float* c0, float* c1, nint ldc, float* plus, float* bias, CpuFinish* finish)
        where S : struct, ISimd<V>
        where V : unmanaged
        where R : struct, IRows
        where C : struct, IRows
    {
        V l0 = S.Zero, r0 = S.Zero;
        V l1 = S.Zero, r1 = S.Zero;
        V l2 = S.Zero, r2 = S.Zero;
        V l3 = S.Zero, r3 = S.Zero;
        V l4 = S.Zero, r4 = S.Zero;
        V l5 = S.Zero, r5 = S.Zero;
        V l6 = S.Zero, r6 = S.Zero;
        V l7 = S.Zero, r7 = S.Zero;
        V l8 = S.Zero, r8 = S.Zero;
        V l9 = S.Zero, r9 = S.Zero;
        V l10 = S.Zero, r10 = S.Zero;
        V l11 = S.Zero, r11 = S.Zero;
        for (; k > 0; k--, a += R.Count)
        {
            nint o = *offsets++;
            V left = S.Load(b0 + o), right = C.Count > 1 ? S.Load(b1 + o) : S.Zero;
            V x = S.Set(a[0]); l0 = S.Fma(x, left, l0); if (C.Count > 1) { r0 = S.Fma(x, right, r0); }
            if (R.Count > 1) { x = S.Set(a[1]); l1 = S.Fma(x, left, l1); if (C.Count > 1) { r1 = S.Fma(x, right, r1); } }
            if (R.Count > 2) { x = S.Set(a[2]); l2 = S.Fma(x, left, l2); if (C.Count > 1) { r2 = S.Fma(x, right, r2); } }
            if (R.Count > 3) { x = S.Set(a[3]); l3 = S.Fma(x, left, l3); if (C.Count > 1) { r3 = S.Fma(x, right, r3); } }
            if (R.Count > 4) { x = S.Set(a[4]); l4 = S.Fma(x, left, l4); if (C.Count > 1) { r4 = S.Fma(x, right, r4); } }
            if (R.Count > 5) { x = S.Set(a[5]); l5 = S.Fma(x, left, l5); if (C.Count > 1) { r5 = S.Fma(x, right, r5); } }
            if (R.Count > 6) { x = S.Set(a[6]); l6 = S.Fma(x, left, l6); if (C.Count > 1) { r6 = S.Fma(x, right, r6); } }
            if (R.Count > 7) { x = S.Set(a[7]); l7 = S.Fma(x, left, l7); if (C.Count > 1) { r7 = S.Fma(x, right, r7); } }
            if (R.Count > 8) { x = S.Set(a[8]); l8 = S.Fma(x, left, l8); if (C.Count > 1) { r8 = S.Fma(x, right, r8); } }
            if (R.Count > 9) { x = S.Set(a[9]); l9 = S.Fma(x, left, l9); if (C.Count > 1) { r9 = S.Fma(x, right, r9); } }
            if (R.Count > 10) { x = S.Set(a[10]); l10 = S.Fma(x, left, l10); if (C.Count > 1) { r10 = S.Fma(x, right, r10); } }
            if (R.Count > 11) { x = S.Set(a[11]); l11 = S.Fma(x, left, l11); if (C.Count > 1) { r11 = S.Fma(x, right, r11); } }
        }

        if (bias != null)
        {
            V x = S.Set(bias[0]); l0 = S.Add(l0, x); if (C.Count > 1) { r0 = S.Add(r0, x); }
            if (R.Count > 1) { x = S.Set(bias[1]); l1 = S.Add(l1, x); if (C.Count > 1) { r1 = S.Add(r1, x); } }
            if (R.Count > 2) { x = S.Set(bias[2]); l2 = S.Add(l2, x); if (C.Count > 1) { r2 = S.Add(r2, x); } }
            if (R.Count > 3) { x = S.Set(bias[3]); l3 = S.Add(l3, x); if (C.Count > 1) { r3 = S.Add(r3, x); } }
            if (R.Count > 4) { x = S.Set(bias[4]); l4 = S.Add(l4, x); if (C.Count > 1) { r4 = S.Add(r4, x); } }
            if (R.Count > 5) { x = S.Set(bias[5]); l5 = S.Add(l5, x); if (C.Count > 1) { r5 = S.Add(r5, x); } }
            if (R.Count > 6) { x = S.Set(bias[6]); l6 = S.Add(l6, x); if (C.Count > 1) { r6 = S.Add(r6, x); } }
            if (R.Count > 7) { x = S.Set(bias[7]); l7 = S.Add(l7, x); if (C.Count > 1) { r7 = S.Add(r7, x); } }
            if (R.Count > 8) { x = S.Set(bias[8]); l8 = S.Add(l8, x); if (C.Count > 1) { r8 = S.Add(r8, x); } }
            if (R.Count > 9) { x = S.Set(bias[9]); l9 = S.Add(l9, x); if (C.Count > 1) { r9 = S.Add(r9, x); } }
            if (R.Count > 10) { x = S.Set(bias[10]); l10 = S.Add(l10, x); if (C.Count > 1) { r10 = S.Add(r10, x); } }
            if (R.Count > 11) { x = S.Set(bias[11]); l11 = S.Add(l11, x); if (C.Count > 1) { r11 = S.Add(r11, x); } }
        }

        if (plus != null)
        {
            float* p0 = plus, p1 = plus + (c1 - c0);
            l0 = S.Add(l0, S.Load(p0)); if (C.Count > 1) { r0 = S.Add(r0, S.Load(p1)); }
            if (R.Count > 1) { p0 += ldc; p1 += ldc; l1 = S.Add(l1, S.Load(p0)); if (C.Count > 1) { r1 = S.Add(r1, S.Load(p1)); } }
            if (R.Count > 2) { p0 += ldc; p1 += ldc; l2 = S.Add(l2, S.Load(p0)); if (C.Count > 1) { r2 = S.Add(r2, S.Load(p1)); } }
            if (R.Count > 3) { p0 += ldc; p1 += ldc; l3 = S.Add(l3, S.Load(p0)); if (C.Count > 1) { r3 = S.Add(r3, S.Load(p1)); } }
            if (R.Count > 4) { p0 += ldc; p1 += ldc; l4 = S.Add(l4, S.Load(p0)); if (C.Count > 1) { r4 = S.Add(r4, S.Load(p1)); } }
            if (R.Count > 5) { p0 += ldc; p1 += ldc; l5 = S.Add(l5, S.Load(p0)); if (C.Count > 1) { r5 = S.Add(r5, S.Load(p1)); } }
            if (R.Count > 6) { p0 += ldc; p1 += ldc; l6 = S.Add(l6, S.Load(p0)); if (C.Count > 1) { r6 = S.Add(r6, S.Load(p1)); } }
            if (R.Count > 7) { p0 += ldc; p1 += ldc; l7 = S.Add(l7, S.Load(p0)); if (C.Count > 1) { r7 = S.Add(r7, S.Load(p1)); } }
            if (R.Count > 8) { p0 += ldc; p1 += ldc; l8 = S.Add(l8, S.Load(p0)); if (C.Count > 1) { r8 = S.Add(r8, S.Load(p1)); } }
            if (R.Count > 9) { p0 += ldc; p1 += ldc; l9 = S.Add(l9, S.Load(p0)); if (C.Count > 1) { r9 = S.Add(r9, S.Load(p1)); } }
            if (R.Count > 10) { p0 += ldc; p1 += ldc; l10 = S.Add(l10, S.Load(p0)); if (C.Count > 1) { r10 = S.Add(r10, S.Load(p1)); } }
            if (R.Count > 11) { p0 += ldc; p1 += ldc; l11 = S.Add(l11, S.Load(p0)); if (C.Count > 1) { r11 = S.Add(r11, S.Load(p1)); } }
        }

        if (finish != null)
        {
            float* p = finish->Residual;
            nint across = (nint)(c1 - c0);
            l0 = finish->Of<S, V>(l0, 0, p); if (C.Count > 1) { r0 = finish->Of<S, V>(r0, 0, p + across); }
            if (R.Count > 1) { p += finish->Pitch; l1 = finish->Of<S, V>(l1, 1, p); if (C.Count > 1) { r1 = finish->Of<S, V>(r1, 1, p + across); } }
            if (R.Count > 2) { p += finish->Pitch; l2 = finish->Of<S, V>(l2, 2, p); if (C.Count > 1) { r2 = finish->Of<S, V>(r2, 2, p + across); } }
            if (R.Count > 3) { p += finish->Pitch; l3 = finish->Of<S, V>(l3, 3, p); if (C.Count > 1) { r3 = finish->Of<S, V>(r3, 3, p + across); } }
            if (R.Count > 4) { p += finish->Pitch; l4 = finish->Of<S, V>(l4, 4, p); if (C.Count > 1) { r4 = finish->Of<S, V>(r4, 4, p + across); } }
            if (R.Count > 5) { p += finish->Pitch; l5 = finish->Of<S, V>(l5, 5, p); if (C.Count > 1) { r5 = finish->Of<S, V>(r5, 5, p + across); } }
            if (R.Count > 6) { p += finish->Pitch; l6 = finish->Of<S, V>(l6, 6, p); if (C.Count > 1) { r6 = finish->Of<S, V>(r6, 6, p + across); } }
            if (R.Count > 7) { p += finish->Pitch; l7 = finish->Of<S, V>(l7, 7, p); if (C.Count > 1) { r7 = finish->Of<S, V>(r7, 7, p + across); } }
            if (R.Count > 8) { p += finish->Pitch; l8 = finish->Of<S, V>(l8, 8, p); if (C.Count > 1) { r8 = finish->Of<S, V>(r8, 8, p + across); } }
            if (R.Count > 9) { p += finish->Pitch; l9 = finish->Of<S, V>(l9, 9, p); if (C.Count > 1) { r9 = finish->Of<S, V>(r9, 9, p + across); } }
            if (R.Count > 10) { p += finish->Pitch; l10 = finish->Of<S, V>(l10, 10, p); if (C.Count > 1) { r10 = finish->Of<S, V>(r10, 10, p + across); } }
            if (R.Count > 11) { p += finish->Pitch; l11 = finish->Of<S, V>(l11, 11, p); if (C.Count > 1) { r11 = finish->Of<S, V>(r11, 11, p + across); } }
        }

        S.Store(c0, l0); if (C.Count > 1) { S.Store(c1, r0); }
        if (R.Count > 1) { c0 += ldc; c1 += ldc; S.Store(c0, l1); if (C.Count > 1) { S.Store(c1, r1); } }
        if (R.Count > 2) { c0 += ldc; c1 += ldc; S.Store(c0, l2); if (C.Count > 1) { S.Store(c1, r2); } }
        if (R.Count > 3) { c0 += ldc; c1 += ldc; S.Store(c0, l3); if (C.Count > 1) { S.Store(c1, r3); } }
        if (R.Count > 4) { c0 += ldc; c1 += ldc; S.Store(c0, l4); if (C.Count > 1) { S.Store(c1, r4); } }
        if (R.Count > 5) { c0 += ldc; c1 += ldc; S.Store(c0, l5); if (C.Count > 1) { S.Store(c1, r5); } }
        if (R.Count > 6) { c0 += ldc; c1 += ldc; S.Store(c0, l6); if (C.Count > 1) { S.Store(c1, r6); } }
        if (R.Count > 7) { c0 += ldc; c1 += ldc; S.Store(c0, l7); if (C.Count > 1) { S.Store(c1, r7); } }
        if (R.Count > 8) { c0 += ldc; c1 += ldc; S.Store(c0, l8); if (C.Count > 1) { S.Store(c1, r8); } }
        if (R.Count > 9) { c0 += ldc; c1 += ldc; S.Store(c0, l9); if (C.Count > 1) { S.Store(c1, r9); } }
        if (R.Count > 10) { c0 += ldc; c1 += ldc; S.Store(c0, l10); if (C.Count > 1) { S.Store(c1, r10); } }
        if (R.Count > 11) { c0 += ldc; c1 += ldc; S.Store(c0, l11); if (C.Count > 1) { S.Store(c1, r11); } }
    }

    internal readonly struct Rows1 : IRows { public static int Count => 1; }
    internal readonly struct Rows2 : IRows { public static int Count => 2; }
    internal readonly struct Rows3 : IRows { public static int Count => 3; }
    internal readonly struct Rows4 : IRows { public static int Count => 4; }
    internal readonly struct Rows5 : IRows { public static int Count => 5; }
    internal readonly struct Rows6 : IRows { public static int Count => 6; }
    internal readonly struct Rows7 : IRows { public static int Count => 7; }
    internal readonly struct Rows8 : IRows { public static int Count => 8; }
    internal readonly struct Rows9 : IRows { public static int Count => 9; }
    internal readonly struct Rows10 : IRows { public static int Count => 10; }
    internal readonly struct Rows11 : IRows { public static int Count => 11; }
    internal readonly struct Rows12 : IRows { public static int Count => 12; }
}
