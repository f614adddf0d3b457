using System.Text;

namespace SmartFrz.Kernels.Tests;

/// <summary>
/// The instructions of tensor cores: fragments written out element by element, by the tables of the PTX manual, against a plain product.
/// </summary>
public sealed class PtxMatrixTests
{
    private const int M = 16, N = 8;

    [Fact]
    public void The_product_of_tf32_fragments_is_that_of_their_matrices() =>
        Assert.Equal(Product(8, A(8), B(8)), Run(Tf32(), 8, A(8), B(8)));

    [Fact]
    public void The_product_of_bf16_fragments_is_that_of_their_matrices() =>
        Assert.Equal(Product(16, A(16), B(16)), Run(Bf16(), 16, A(16), B(16)));

    // A swapped index in a fragment is what is easiest to get wrong and hardest to see.
    [Theory]
    [InlineData("{%r10,%r11,%r12,%r13}", "{%r10,%r12,%r11,%r13}")]
    [InlineData("{%r14,%r15}", "{%r15,%r14}")]
    [InlineData("{%f1,%f2,%f3,%f4}, {%r10", "{%f1,%f3,%f2,%f4}, {%r10")]
    public void A_swapped_fragment_index_gives_another_product(string good, string bad)
    {
        Assert.Contains(good, Bf16(), StringComparison.Ordinal);
        Assert.NotEqual(Product(16, A(16), B(16)), Run(Bf16().Replace(good, bad, StringComparison.Ordinal), 16, A(16), B(16)));
    }

    [Fact]
    public void Half_a_warp_cannot_multiply() =>
        Assert.Equal(
            PtxFault.IncompleteWarp,
            Assert.Throws<PtxFaultException>(() => PtxText.Run(PtxText.Kernel("mov.b32 %r2, 0;\nmov.f32 %f1, 0f00000000;\n" + "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%f1,%f1,%f1,%f1}, {%r2,%r2,%r2,%r2}, {%r2,%r2}, {%f1,%f1,%f1,%f1};"), 16, new uint[1])).Fault);

    // Sixteen rows of 16 bytes, element (r, c) holding 8 r + c: register i of lane l has row l / 4 and columns 2 (l % 4), + 1 of matrix i.
    [Theory]
    [InlineData("", 0, 9, 8 * 2 + 2, 8 * 2 + 3)]
    [InlineData("", 1, 31, 8 * 15 + 6, 8 * 15 + 7)]
    [InlineData(".trans", 0, 9, 8 * 2 + 2, 8 * 3 + 2)]
    [InlineData(".trans", 1, 31, 8 * 14 + 7, 8 * 15 + 7)]
    public void Matrices_are_loaded_from_shared_memory(string how, int matrix, int lane, int low, int high)
    {
        var y = new uint[64];
        var x = Enumerable.Range(0, 64).Select(i => (uint)(2 * i) | (uint)((2 * i) + 1) << 16).ToArray();
        PtxText.Run(PtxText.Kernel(CopyToShared("bar.sync 0;") + $"""
            mov.b64 %rd4, tile;
            and.b32 %r2, %r1, 15;
            mul.wide.u32 %rd6, %r2, 16;
            add.s64 %rd7, %rd4, %rd6;
            cvt.u32.u64 %r3, %rd7;
            ldmatrix.sync.aligned.m8n8.x2{how}.shared.b16 @%r4,%r5#, [%r3];
            mul.wide.u32 %rd6, %r1, 8;
            add.s64 %rd7, %rd1, %rd6;
            st.global.v2.b32 [%rd7], @%r4,%r5#;
            """.Replace('@', '{').Replace('#', '}'), arrays: 2, shared: 256), 32, y, x);
        Assert.Equal((uint)low | (uint)high << 16, y[(2 * lane) + matrix]);
    }

    [Fact]
    public void What_an_asynchronous_copy_brings_is_there_after_the_wait()
    {
        var (y, x) = (new uint[64], Enumerable.Range(0, 64).Select(i => (uint)i).ToArray());
        PtxText.Run(PtxText.Kernel(CopyToShared("bar.sync 0;") + ReadBack, arrays: 2, shared: 256), 32, y, x);
        Assert.Equal(x, y);
    }

    [Fact]
    public void Without_the_wait_it_is_not_there()
    {
        string text = PtxText.Kernel(CopyToShared("bar.sync 0;").Replace("wait_group 0", "wait_group 1", StringComparison.Ordinal) + ReadBack, arrays: 2, shared: 256);
        Assert.Equal(PtxFault.Uninitialised, Assert.Throws<PtxFaultException>(() => PtxText.Run(text, 32, new uint[64], new uint[64])).Fault);
    }

    private const string ReadBack = """
        mov.b64 %rd4, tile;
        xor.b32 %r2, %r1, 1;
        mul.wide.u32 %rd6, %r2, 8;
        add.s64 %rd7, %rd4, %rd6;
        ld.shared.v2.b32 {%r4, %r5}, [%rd7];
        add.s64 %rd7, %rd1, %rd6;
        st.global.v2.b32 [%rd7], {%r4, %r5};
        """;

    // 32 threads bring 8 bytes each of the second array.
    private static string CopyToShared(string barrier) => $"""
        mov.b64 %rd10, tile;
        mul.wide.u32 %rd11, %r1, 8;
        add.s64 %rd12, %rd10, %rd11;
        add.s64 %rd13, %rd2, %rd11;
        cp.async.ca.shared.global [%rd12], [%rd13], 8;
        cp.async.commit_group;
        cp.async.wait_group 0;
        {barrier}

        """;

    // Small integers, so that the sums are exact in every order.
    private static float[,] A(int depth) => Fill(M, depth, (r, k) => ((r * 3) + (k * 5)) % 11 - 5);

    private static float[,] B(int depth) => Fill(depth, N, (k, c) => ((k * 7) + (c * 2)) % 13 - 6);

    private static float[,] Fill(int rows, int columns, Func<int, int, int> value)
    {
        var matrix = new float[rows, columns];
        for (int r = 0; r < rows; r++)
        {
            for (int c = 0; c < columns; c++)
            {
                matrix[r, c] = value(r, c);
            }
        }

        return matrix;
    }

    private static float[] Product(int depth, float[,] a, float[,] b) =>
        [.. Enumerable.Range(0, M * N).Select(i => Enumerable.Range(0, depth).Sum(k => a[i / N, k] * b[k, i % N]))];

    private static float[] Run(string text, int depth, float[,] a, float[,] b)
    {
        // Everything as floats: the kernels gather their fragments with one load an element.
        uint[] Flat(float[,] m) => [.. m.Cast<float>().Select(BitConverter.SingleToUInt32Bits)];
        var c = new uint[M * N];
        PtxText.Run(text, 32, c, Flat(a), Flat(b));
        Assert.Equal(depth, a.GetLength(1));
        return Array.ConvertAll(c, BitConverter.UInt32BitsToSingle);
    }

    // g = lane / 4 in %r2, t = lane % 4 in %r3. Loads matrix[row, column] into a register.
    private static string Element(string register, int array, string row, int addRow, string column, int times, int addColumn, int width) => $"""
        mad.lo.s32 %r4, {row}, 1, {addRow};
        mad.lo.s32 %r5, {column}, {times}, {addColumn};
        mad.lo.s32 %r4, %r4, {width}, %r5;
        mul.wide.u32 %rd5, %r4, 4;
        add.s64 %rd6, %rd{array}, %rd5;
        ld.global.b32 {register}, [%rd6];

        """;

    private static string Tf32()
    {
        var body = Begin();
        for (int r = 0; r < 4; r++)
        {
            body.Append(Element($"%r{10 + r}", 2, "%r2", 8 * (r % 2), "%r3", 1, 4 * (r / 2), 8));
        }

        for (int r = 0; r < 2; r++)
        {
            body.Append(Element($"%r{14 + r}", 3, "%r3", 4 * r, "%r2", 1, 0, N));
        }

        return End(body, "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32");
    }

    private static string Bf16()
    {
        var body = Begin();
        for (int r = 0; r < 4; r++)
        {
            for (int piece = 0; piece < 2; piece++)
            {
                body.Append(Element($"%r{20 + piece}", 2, "%r2", 8 * (r % 2), "%r3", 2, (8 * (r / 2)) + piece, 16));
            }

            body.Append($"cvt.rn.bf16x2.f32 %r{10 + r}, %r21, %r20;\n");
        }

        for (int r = 0; r < 2; r++)
        {
            for (int piece = 0; piece < 2; piece++)
            {
                // The row is 2 t + 8 r + piece: the step of %r6 = 2 t.
                body.Append(Element($"%r{20 + piece}", 3, "%r6", (8 * r) + piece, "%r2", 1, 0, N));
            }

            body.Append($"cvt.rn.bf16x2.f32 %r{14 + r}, %r21, %r20;\n");
        }

        return End(body, "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32");
    }

    private static StringBuilder Begin() =>
        new("shr.u32 %r2, %r1, 2;\nand.b32 %r3, %r1, 3;\nshl.b32 %r6, %r3, 1;\nmov.f32 %f1, 0f00000000;\nmov.f32 %f2, %f1;\nmov.f32 %f3, %f1;\nmov.f32 %f4, %f1;\n");

    private static string End(StringBuilder body, string mma)
    {
        body.Append($"{mma} {{%f1,%f2,%f3,%f4}}, {{%r10,%r11,%r12,%r13}}, {{%r14,%r15}}, {{%f1,%f2,%f3,%f4}};\n");
        for (int r = 0; r < 2; r++)
        {
            body.Append($"add.s32 %r4, %r2, {8 * r};\nmad.lo.s32 %r4, %r4, {N}, %r6;\nmul.wide.u32 %rd5, %r4, 4;\nadd.s64 %rd6, %rd1, %rd5;\nst.global.v2.f32 [%rd6], {{%f{1 + (2 * r)}, %f{2 + (2 * r)}}};\n");
        }

        return PtxText.Kernel(body.ToString(), arrays: 3);
    }
}
