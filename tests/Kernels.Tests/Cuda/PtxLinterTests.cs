namespace SmartFrz.Kernels.Tests;

/// <summary>The linter finds faults that were put in by hand, and leaves good text alone.</summary>
public sealed class PtxLinterTests
{
    private const string Good = """
        // Adds 1 to an element, in a loop, through a function and through shared memory.
        .version 8.0
        .target sm_80
        .address_size 64

        .global .align 4 .b8 table[8] = {1, 0, 0, 0, 2, 0, 0, 0};

        .visible .func (.param .b32 result) increment (
            .param .b32 x
        )
        {
            .reg .f32 %f<3>;
            ld.param.f32 %f1, [x];
            add.f32 %f2, %f1, 0f3F800000;
            st.param.f32 [result], %f2;
            ret;
        }

        .visible .entry kernel(
            .param .u64 p,
            .param .u32 n
        )
        .maxntid 256, 1, 1
        {
            .shared .align 16 .b8 tile[1024];
            .reg .pred %p<2>;
            .reg .b32 %r<4>;
            .reg .b64 %rd<4>;
            .reg .f32 %f<6>;
            ld.param.u64 %rd1, [p];
            ld.param.u32 %r1, [n];
            mov.u32 %r2, %tid.x;
            mov.u32 %r3, %laneid;
            mov.f32 %f5, 0f00000000;
            LOOP:
            setp.ge.s32 %p1, %r2, %r1;
            @%p1 bra.uni DONE;
            mul.wide.u32 %rd2, %r2, 4;
            add.u64 %rd3, %rd1, %rd2;
            ld.global.v4.f32 {%f1, %f2, %f3, %f4}, [%rd3+16];
            {
                .param .b32 a;
                .param .b32 r;
                st.param.f32 [a], %f1;
                call.uni (r), increment, (a);
                ld.param.f32 %f5, [r];
            }
            st.global.v4.f32 [%rd3], {%f5, %f2, %f3, %f4};
            add.s32 %r2, %r2, %r3;
            bar.sync 0;
            bra LOOP;
            DONE:
            ret;
        }
        """;

    [Fact]
    public void Good_text_has_no_problem()
    {
        var report = PtxLinter.Check(Good);

        Assert.Empty(report.Problems);
        Assert.Equal(1024, report.SharedBytes);
        Assert.Equal(0, report.LocalBytes);
        Assert.Equal(4 + 18, report.Instructions);
    }

    // At the store: its four floats and its address, the base pointer, the bound, the index and the step.
    [Fact]
    public void Live_registers_are_counted_in_32_bits() => Assert.Equal(4 + 2 + 2 + 1 + 1 + 1, PtxLinter.Check(Good).LiveRegisters);

    [Theory]
    [InlineData("increment, (a)", "gone, (a)", "call of gone")]
    [InlineData("add.s32 %r2, %r2, %r3", "add.s32 %r2, %r2, %r4", "%r4 of add.s32 is not declared")]
    [InlineData("add.s32 %r2, %r2, %r3", "add.s32 %q2, %r2, %r3", "%q2 of add.s32 is not declared")]
    [InlineData("bra.uni DONE", "bra.uni AWAY", "AWAY, which is no label")]
    [InlineData("bar.sync 0;", "LOOP:", "LOOP stands more than once")]
    [InlineData("mov.u32 %r2, %tid.x;", "", "%r2 may be read before it is written")]
    [InlineData("mov.u32 %r2, %tid.x;", "@%p1 mov.u32 %r2, %tid.x;", "%r2 may be read before it is written")]
    [InlineData("ld.global.v4.f32 {%f1, %f2, %f3, %f4}", "ld.global.v2.f32 {%f1, %f2}", "%f3 may be read before it is written")]
    [InlineData("[%rd3+16]", "[%rd4+16]", "%rd4 of ld.global.v4.f32 is not declared")]
    [InlineData("@%p1 bra.uni DONE", "@%p0 bra.uni DONE", "%p0 may be read before it is written")]
    [InlineData("tile[1024]", "tile[49156]", "49156 bytes of static shared memory")]
    [InlineData("bar.sync 0;", "tanh.approx.ftz.f32 %f1, %f2;", "is no PTX instruction")]
    [InlineData("bar.sync 0;", "tanh.approx.f32 %f1, %f2;", "too coarse")]
    [InlineData("bar.sync 0;", "red.global.add.f32 [%rd3], %f1;", "whatever order")]
    [InlineData("bar.sync 0;", "atom.global.add.f32 %f1, [%rd3], %f1;", "whatever order")]
    [InlineData("bar.sync 0;", "ex2.approx.ftz.f32 %f1, %f2;", "flushes denormals")]
    [InlineData("bar.sync 0;", "stmatrix.sync.aligned.m8n8.x4.shared.b16 [%rd3], {%r1, %r1, %r1, %r1};", "needs sm_90")]
    [InlineData("DONE:\n    ret;", "DONE:\n    bar.sync 0;", "runs on past the end")]
    [InlineData("add.s32 %r2, %r2, %r3", "add.s32 %r2, %r2, %f5", "%f5 of add.s32 is no s32")]
    [InlineData("add.s32 %r2, %r2, %r3", "add.s64 %r2, %r2, %r3", "%r2 of add.s64 is no s64")]
    [InlineData("add.s32 %r2, %r2, %r3", "add.s32 %r2, %r2, 0f3F800000", "0f3F800000 of add.s32 is no s32")]
    [InlineData("mov.f32 %f5, 0f00000000;", "mov.f32 %f5, 0;", "0 of mov.f32 is no f32")]
    [InlineData("mul.wide.u32 %rd2, %r2, 4", "mul.lo.u32 %rd2, %r2, 4", "%rd2 of mul.lo.u32 is no u32")]
    [InlineData("setp.ge.s32 %p1, %r2, %r1", "setp.ge.f32 %p1, %rd1, %r1", "%rd1 of setp.ge.f32 is no f32")]
    [InlineData("setp.ge.s32 %p1, %r2, %r1", "setp.ge.s32 %r2, %r2, %r1", "%r2 of setp.ge.s32 is no pred")]
    [InlineData("[%rd3+16]", "[%r2+16]", "%r2 of ld.global.v4.f32 is no b64")]
    [InlineData("bar.sync 0;", "??? 0;", "not understood")]
    public void A_planted_fault_is_found(string good, string bad, string expected)
    {
        string text = Good.ReplaceLineEndings("\n");
        Assert.Contains(good, text, StringComparison.Ordinal);

        Assert.Contains(PtxLinter.Check(text.Replace(good, bad, StringComparison.Ordinal)).Problems, p => p.Contains(expected, StringComparison.Ordinal));
    }

    [Fact]
    public void A_local_depot_is_reported() =>
        Assert.Equal(64, PtxLinter.Check(Good.Replace(".reg .pred", ".local .align 4 .b8 depot[64];\n.reg .pred", StringComparison.Ordinal)).LocalBytes);

    [Fact]
    public void Integer_atomics_are_allowed() =>
        Assert.Empty(PtxLinter.Check(Good.Replace("bar.sync 0;", "red.global.add.u32 [%rd3], %r1;", StringComparison.Ordinal)).Problems);

    [Fact]
    public void Text_without_a_function_is_a_problem() => Assert.Equal(["there is no function"], PtxLinter.Check(".version 8.0\n.target sm_80\n").Problems);
}
