namespace SmartFrz.Kernels.Tests;

/// <summary>The interpreter finds faults that were put in by hand, and lets the same kernel without them pass.</summary>
public sealed class PtxFaultTests
{
    // Threads hand their number to the neighbour through shared memory; the last one's neighbour is the first.
    private const string Rotate = """
        mul.wide.u32 %rd3, %r1, 4;
        mov.b64 %rd4, tile;
        add.s64 %rd5, %rd4, %rd3;
        st.shared.b32 [%rd5], %r1;
        bar.sync 0;
        add.s32 %r2, %r1, 1;
        and.b32 %r2, %r2, 63;
        mul.wide.u32 %rd6, %r2, 4;
        add.s64 %rd7, %rd4, %rd6;
        ld.shared.b32 %r3, [%rd7];
        add.s64 %rd8, %rd1, %rd3;
        st.global.b32 [%rd8], %r3;
        """;

    [Fact]
    public void Without_a_fault_it_runs()
    {
        var y = new uint[64];
        PtxText.Run(PtxText.Kernel(Rotate, shared: 256), 64, y);
        Assert.Equal(Enumerable.Range(0, 64).Select(i => (uint)(i + 1) % 64), y);
    }

    [Theory]
    [InlineData("bar.sync 0;", "", "Race")]
    [InlineData("bar.sync 0;", "bar.sync 0;\nst.shared.b32 [%rd5], %r1;", "Race")]
    [InlineData("bar.sync 0;", "setp.lt.u32 %p1, %r1, 5;\n@%p1 bar.sync 0;", "BarrierDivergence")]
    [InlineData("bar.sync 0;", "setp.lt.u32 %p1, %r1, 5;\n@%p1 bra.uni AWAY;\nAWAY:\nbar.sync 0;", "DivergentUniformBranch")]
    [InlineData("and.b32 %r2, %r2, 63;", "", "OutOfBounds")]
    [InlineData("[%rd8], %r3", "[%rd8+4], %r3", "OutOfBounds")]
    [InlineData("[%rd8], %r3", "[%rd8-4], %r3", "OutOfBounds")]
    [InlineData("[%rd8], %r3", "[%rd1], %r3", "Race")]
    [InlineData("[%rd8], %r3", "[%rd8+2], %r3", "Misaligned")]
    [InlineData("st.global.b32 [%rd8], %r3", "st.global.v2.b32 [%rd8], {%r3, %r3}", "Misaligned")]
    [InlineData("ld.shared.b32 %r3, [%rd7]", "@%p2 ld.shared.b32 %r3, [%rd7]", "Uninitialised")]
    [InlineData("bar.sync 0;", "setp.lt.u32 %p1, %r1, 5;\n@%p1 mov.u32 %r4, 1;\nbar.sync 0;\nadd.s32 %r5, %r4, 1;", "Uninitialised")]
    [InlineData("bar.sync 0;", "setp.lt.u32 %p1, %r1, 5;\n@%p1 shfl.sync.bfly.b32 %r4, %r1, 8, 31, -1;\nbar.sync 0;", "IncompleteWarp")]
    [InlineData("bar.sync 0;", "LOOP:\nbra LOOP;", "Endless")]
    public void A_planted_fault_is_found(string good, string bad, string expected)
    {
        Assert.Contains(good, Rotate, StringComparison.Ordinal);
        string text = PtxText.Kernel(Rotate.ReplaceLineEndings("\n").Replace(good, bad, StringComparison.Ordinal), shared: 256);

        var found = Assert.Throws<PtxFaultException>(() => PtxText.Run(text, 64, new uint[64]));

        Assert.Equal(expected, found.Fault.ToString());
    }

    [Fact]
    public void A_read_of_a_buffer_that_nobody_wrote_is_found()
    {
        string text = PtxText.Kernel("ld.global.b32 %r2, [%rd2];\nst.global.b32 [%rd1], %r2;", arrays: 2);
        Assert.Equal(PtxFault.Uninitialised, Assert.Throws<PtxFaultException>(() => PtxText.Run(text, 1, defined: false, new uint[1], new uint[1])).Fault);
        PtxText.Run(text, 1, new uint[1], new uint[1]);
    }

    [Fact]
    public void An_instruction_that_is_not_known_is_refused() =>
        Assert.Throws<NotSupportedException>(() => PtxText.Run(PtxText.Kernel("stmatrix.sync.aligned.m8n8.x1.shared.b16 [%rd1], {%r1};"), 32, new uint[1]));
}
