using static System.BitConverter;

namespace SmartFrz.Kernels.Tests;

/// <summary>Each kind of instruction against results that are known.</summary>
public sealed class PtxInstructionTests
{
    private const ulong Minus3 = 0xFFFFFFFD;

    [Theory]
    [InlineData("add.s32", 0xFFFFFFFF, 2, 0, 1)]
    [InlineData("sub.u32", 2, 3, 0, 0xFFFFFFFF)]
    [InlineData("mul.lo.s32", Minus3, 5, 0, 0xFFFFFFF1)]
    [InlineData("mul.hi.s32", Minus3, 5, 0, 0xFFFFFFFF)]
    [InlineData("mul.hi.u32", Minus3, 5, 0, 4)]
    [InlineData("mul.wide.s32", Minus3, 5, 0, 0xFFFFFFFFFFFFFFF1)]
    [InlineData("mul.wide.u32", Minus3, 5, 0, 0x4FFFFFFF1)]
    [InlineData("mad.lo.u64", 7, 4, 100, 128)]
    [InlineData("mad.wide.s32", Minus3, 2, 100, 94)]
    [InlineData("div.s32", Minus3, 2, 0, 0xFFFFFFFF)]
    [InlineData("div.u32", Minus3, 2, 0, 0x7FFFFFFE)]
    [InlineData("rem.s32", Minus3, 2, 0, 0xFFFFFFFF)]
    [InlineData("div.s64", 0xFFFFFFFFFFFFFFF9, 2, 0, 0xFFFFFFFFFFFFFFFD)]
    [InlineData("min.s32", Minus3, 2, 0, Minus3)]
    [InlineData("max.u32", Minus3, 2, 0, Minus3)]
    [InlineData("neg.s32", 3, 0, 0, Minus3)]
    [InlineData("abs.s32", Minus3, 0, 0, 3)]
    [InlineData("and.b32", 0b1100, 0b1010, 0, 0b1000)]
    [InlineData("or.b32", 0b1100, 0b1010, 0, 0b1110)]
    [InlineData("xor.b32", 0b1100, 0b1010, 0, 0b0110)]
    [InlineData("not.b32", 1, 0, 0, 0xFFFFFFFE)]
    [InlineData("not.pred", 1, 0, 0, 0)]
    [InlineData("shl.b32", 0x80000001, 1, 0, 2)]
    [InlineData("shl.b32", 1, 32, 0, 0)]
    [InlineData("shr.s32", 0x80000000, 31, 0, 0xFFFFFFFF)]
    [InlineData("shr.s32", 0x80000000, 99, 0, 0xFFFFFFFF)]
    [InlineData("shr.u32", 0x80000000, 31, 0, 1)]
    [InlineData("shr.u32", 0x80000000, 32, 0, 0)]
    [InlineData("popc.b32", 0xF0F0, 0, 0, 8)]
    [InlineData("clz.b32", 0xFFFF, 0, 0, 16)]
    [InlineData("selp.b32", 7, 9, 1, 7)]
    [InlineData("selp.b32", 7, 9, 0, 9)]
    [InlineData("setp.lt.s32", Minus3, 2, 0, 1)]
    [InlineData("setp.lt.u32", Minus3, 2, 0, 0)]
    [InlineData("setp.hs.u32", Minus3, 2, 0, 1)]
    [InlineData("setp.ge.and.s32", 5, 2, 0, 0)]
    [InlineData("setp.ge.or.s32", 1, 2, 1, 1)]
    [InlineData("cvt.s64.s32", Minus3, 0, 0, 0xFFFFFFFFFFFFFFFD)]
    [InlineData("cvt.u64.u32", Minus3, 0, 0, Minus3)]
    [InlineData("cvt.u32.u64", 0x500000003, 0, 0, 3)]
    [InlineData("cvt.s32.s8", 0x80, 0, 0, 0xFFFFFF80)]
    public void Integers(string opcode, ulong a, ulong b, ulong c, ulong expected)
    {
        ulong mask = opcode is "mul.wide.s32" or "mul.wide.u32" || opcode.Contains("64", StringComparison.Ordinal) ? ulong.MaxValue : uint.MaxValue;
        ulong result = PtxArithmetic.Of(opcode)!(a, b, c);
        Assert.Equal(expected, (opcode == "cvt.u32.u64" ? uint.MaxValue : mask) & result);
    }

    [Theory]
    [InlineData("add.f32", 1.5f, 2.25f, 0f, 3.75f)]
    [InlineData("sub.f32", 1.5f, 2.25f, 0f, -0.75f)]
    [InlineData("mul.f32", 1.5f, 2f, 0f, 3f)]
    [InlineData("div.rn.f32", 1f, 3f, 0f, 1f / 3f)]
    [InlineData("fma.rn.f32", 1.0000001f, 1.0000001f, -1f, 2.3841858e-7f)]
    [InlineData("min.f32", float.NaN, 2f, 0f, 2f)]
    [InlineData("max.f32", 1f, 2f, 0f, 2f)]
    [InlineData("abs.f32", -2f, 0f, 0f, 2f)]
    [InlineData("neg.f32", 2f, 0f, 0f, -2f)]
    [InlineData("rcp.rn.f32", 4f, 0f, 0f, 0.25f)]
    [InlineData("sqrt.rn.f32", 2f, 0f, 0f, 1.4142135f)]
    [InlineData("rsqrt.approx.f32", 4f, 0f, 0f, 0.5f)]
    [InlineData("ex2.approx.f32", -3f, 0f, 0f, 0.125f)]
    [InlineData("lg2.approx.f32", 8f, 0f, 0f, 3f)]
    public void Floats(string opcode, float a, float b, float c, float expected) =>
        Assert.Equal(expected, UInt32BitsToSingle((uint)PtxArithmetic.Of(opcode)!(Bits(a), Bits(b), Bits(c))));

    [Theory]
    [InlineData("setp.lt.f32", 1f, float.NaN, false)]
    [InlineData("setp.ltu.f32", 1f, float.NaN, true)]
    [InlineData("setp.eq.f32", 0f, -0f, true)]
    [InlineData("setp.ne.f32", 1f, float.NaN, false)]
    [InlineData("setp.neu.f32", 1f, float.NaN, true)]
    [InlineData("setp.geu.f32", 2f, 2f, true)]
    [InlineData("setp.num.f32", 2f, float.NaN, false)]
    [InlineData("testp.notanumber.f32", float.NaN, 0f, true)]
    [InlineData("testp.finite.f32", float.PositiveInfinity, 0f, false)]
    public void Comparisons_of_floats(string opcode, float a, float b, bool expected) =>
        Assert.Equal(expected ? 1UL : 0, PtxArithmetic.Of(opcode)!(Bits(a), Bits(b), 0));

    [Theory]
    [InlineData("cvt.rn.f32.s32", 0xFFFFFFFD, 0xC0400000)]
    [InlineData("cvt.rn.f32.u32", 3, 0x40400000)]
    [InlineData("cvt.rzi.s32.f32", 0xC0266666, 0xFFFFFFFE)]
    [InlineData("cvt.rni.s32.f32", 0x40200000, 2)]
    [InlineData("cvt.rn.f16.f32", 0x3F800000, 0x3C00)]
    [InlineData("cvt.f32.f16", 0x3C00, 0x3F800000)]
    [InlineData("cvt.rn.bf16.f32", 0x3F808000, 0x3F80)]
    [InlineData("cvt.rn.bf16.f32", 0x3F818000, 0x3F82)]
    [InlineData("cvt.rna.tf32.f32", 0x3F801000, 0x3F802000)]
    [InlineData("cvt.rn.f32.f64", 0x3FF8000000000000, 0x3FC00000)]
    public void Conversions(string opcode, ulong value, ulong expected) => Assert.Equal(expected, (uint)PtxArithmetic.Of(opcode)!(value, 0, 0));

    [Theory]
    [InlineData("up", 3, 0, 5, 2)]
    [InlineData("up", 3, 0, 1, 1)]
    [InlineData("down", 3, 31, 5, 8)]
    [InlineData("down", 3, 31, 30, 30)]
    [InlineData("bfly", 16, 31, 5, 21)]
    [InlineData("bfly", 5, 31, 8, 13)]
    [InlineData("idx", 7, 31, 20, 7)]
    [InlineData("idx", 3, 0x181F, 20, 19)]
    public void Shuffles(string mode, int by, int clamp, int lane, uint expected)
    {
        var y = new uint[32];
        PtxText.Run(PtxText.Kernel($"shfl.sync.{mode}.b32 %r2|%p1, %r1, {by}, {clamp}, -1;\n{Store}"), 32, y);
        Assert.Equal(expected, y[lane]);
    }

    [Fact]
    public void Divergent_loops_run_as_often_as_each_thread_wants()
    {
        var y = new uint[40];
        PtxText.Run(
            PtxText.Kernel($"mov.u32 %r2, 0;\nmov.u32 %r3, 0;\nLOOP:\nsetp.ge.u32 %p1, %r3, %r1;\n@%p1 bra DONE;\nadd.u32 %r3, %r3, 1;\nadd.u32 %r2, %r2, %r3;\nbra LOOP;\nDONE:\nbar.sync 0;\n{Store}"),
            40,
            y);
        Assert.Equal(Enumerable.Range(0, 40).Select(i => (uint)(i * (i + 1) / 2)), y);
    }

    [Fact]
    public void Vectors_are_loaded_and_stored()
    {
        var (x, y) = (Enumerable.Range(1, 8).Select(i => (uint)i).ToArray(), new uint[8]);
        PtxText.Run(
            PtxText.Kernel("mul.wide.u32 %rd3, %r1, 16;\nadd.s64 %rd4, %rd1, %rd3;\nadd.s64 %rd5, %rd2, %rd3;\nld.global.v4.b32 {%r2, %r3, %r4, %r5}, [%rd4];\nst.global.v2.b32 [%rd5+8], {%r2, %r3};\nst.global.v2.b32 [%rd5], {%r5, %r4};", arrays: 2),
            2,
            x,
            y);
        Assert.Equal([4, 3, 1, 2, 8, 7, 5, 6], y);
    }

    [Fact]
    public void Atomics_add_up()
    {
        var y = new uint[1];
        PtxText.Run(PtxText.Kernel("red.global.add.u32 [%rd1], %r1;"), 64, y);
        Assert.Equal(63u * 32, y[0]);
    }

    private const string Store = "mul.wide.u32 %rd9, %r1, 4;\nadd.s64 %rd10, %rd1, %rd9;\nst.global.b32 [%rd10], %r2;";

    private static ulong Bits(float value) => SingleToUInt32Bits(value);
}
