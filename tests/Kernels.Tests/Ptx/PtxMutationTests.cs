using System.Text.RegularExpressions;
using SmartFrz.Tensors.Verification;

namespace SmartFrz.Kernels.Tests;

/// <summary>Faults put into the text of the library's own kernels: the interpreter must find each.</summary>
public sealed class PtxMutationTests
{
    private static readonly Regex Barrier = new(@"^\s*bar\.sync\s+0;", RegexOptions.Multiline | RegexOptions.Compiled);

    public static TheoryData<string, int> Barriers
    {
        get
        {
            using var compiler = new PtxCompiler(ILGPU.Runtime.Cuda.CudaArchitecture.SM_80);
            var data = new TheoryData<string, int>();
            foreach (string name in Runs.Keys)
            {
                var kernel = KernelCatalog.All.Single(k => k.Name == name);
                int count = Barrier.Count(compiler.Compile(kernel.Method, kernel.MaxGroup));
                Assert.True(count > 0, $"{name} has no barrier");
                for (int i = 0; i < count; i++)
                {
                    data.Add(name, i);
                }
            }

            return data;
        }
    }

    private static Dictionary<string, Action<KernelBench>> Runs => new(StringComparer.Ordinal)
    {
        ["GemmCuda.Multiply<GpuTile>"] = Product,
        ["TransposeCuda.Apply"] = bench => bench.Launch(new PermuteKernel([70, 41], [1, 0], bench.Uniform(70 * 41, 3), bench.Output(70 * 41))),
        ["MaxCuda.Rows"] = bench => bench.Launch(new MaxKernel(ReduceGeometry.Of([3, 700], 2), bench.Uniform(3 * 700, 2), bench.Output(3), bench.Upload(-1, -1, -1))),
        ["RbfCuda.Median"] = bench => bench.Launch(new MedianKernel(bench.Uniform(300, 6), bench.Output(1), 300)),
    };

    [Theory]
    [MemberData(nameof(Barriers))]
    public void A_missing_barrier_is_found(string name, int number)
    {
        int seen = 0;
        var fault = Fault(name, text => Barrier.Replace(text, m => seen++ == number ? "" : m.Value));

        // Of two threads that meet without order, the one that comes too late has not written yet, or the other's work is overwritten.
        Assert.Contains(fault, new[] { PtxFault.Race, PtxFault.Uninitialised });
    }

    // The first row a group does not own: one more at the end of each bound.
    [Fact]
    public void A_row_too_many_is_found() =>
        Assert.Equal(PtxFault.OutOfBounds, Fault("MaxCuda.Rows", text => text.Replace("setp.ge.s32", "setp.gt.s32", StringComparison.Ordinal)));

    [Fact]
    public void A_vector_access_at_half_its_size_is_found() =>
        Assert.Equal(
            PtxFault.Misaligned,
            Fault("GemmCuda.Multiply<GpuTile>", text => Regex.Replace(text, @"(ld\.shared\.v4\.f32[^\[]*\[%rd\d+)", "$1+8")));

    private static void Product(KernelBench bench)
    {
        var shape = new GemmShape(70, 66, 35, TransA: false, TransB: true, Accumulate: false);
        bench.Launch(new GemmKernel(shape, bench.Uniform(70 * 35, 1), bench.Uniform(66 * 35, 2), bench.Output(70 * 66)));
    }

    private static PtxFault Fault(string name, Func<string, string> plant)
    {
        using var interpreter = new PtxInterpreter((kernel, text) => kernel.DeclaringType!.Name == name.Split('.')[0] ? plant(text) : text);
        using var gpu = interpreter.Open();
        using var bench = new KernelBench(gpu);
        return Assert.Throws<PtxFaultException>(() => Runs[name](bench)).Fault;
    }
}
