using System.Diagnostics;
using System.Reflection;
using ILGPU.Runtime.Cuda;

namespace SmartFrz.Kernels.Tests;

/// <summary>
/// The kernels' PTX against the file of what it was. A difference is no fault: it says that the text has to be looked at, and that what a GPU
/// once showed of it no longer counts.
/// </summary>
public sealed class PtxSnapshotTests
{
    private const string Refresh = "SMARTFRZ_REFRESH_PTX";

    private static string Path => System.IO.Path.Combine(Repository.Root, "tests", "Kernels.Tests", "Ptx", "snapshots.tsv");

    [OptimisedFact]
    public void The_text_of_every_kernel_is_the_one_on_file()
    {
        using var compiler = new PtxCompiler(CudaArchitecture.SM_80);
        var now = KernelCatalog.All.Select(k => PtxSnapshot.Of(k.Name, compiler.Compile(k.Method, k.MaxGroup))).ToArray();
        var before = File.Exists(Path) ? PtxSnapshot.Read(Path) : [];
        if (Environment.GetEnvironmentVariable(Refresh) == "1")
        {
            PtxSnapshot.Write(Path, now, before);
            return;
        }

        var changed = now.Where(s => !before.TryGetValue(s.Kernel, out var old) || old with { Gpu = PtxSnapshot.Never } != s).Select(s => s.Kernel);
        var gone = before.Keys.Except(now.Select(s => s.Kernel)).Select(k => $"{k} (gone)");
        string differ = string.Join(", ", changed.Concat(gone));
        Assert.True(
            differ.Length == 0,
            $"The PTX of {differ} is not the one in tests/Kernels.Tests/Ptx/snapshots.tsv. If the change is meant, write the file again and commit it: "
            + $"{Refresh}=1 dotnet test tests/Kernels.Tests -c Release --filter {nameof(PtxSnapshotTests)}");
    }

    [Fact]
    public void Numbers_that_belong_to_the_process_do_not_count()
    {
        const string One = ".entry Kernel_Apply(.param .b8 _a_254521[56])\nL_2544070:\nld.param.b8 %rs1, [_a_254521+8];\nbra L_2544070;\nbra L_2544071;";
        string other = One.Replace("254521", "3017", StringComparison.Ordinal).Replace("L_25440", "L_911", StringComparison.Ordinal);
        Assert.NotEqual(One, other);
        Assert.Equal(PtxSnapshot.Normalise(One), PtxSnapshot.Normalise(other));
        Assert.NotEqual(PtxSnapshot.Normalise(One), PtxSnapshot.Normalise(One.Replace("bra L_2544071", "bra L_2544070", StringComparison.Ordinal)));
        Assert.NotEqual(PtxSnapshot.Normalise(One), PtxSnapshot.Normalise(One.Replace("+8", "+9", StringComparison.Ordinal)));
    }

    [Fact]
    public void A_kernel_keeps_the_gpu_it_ran_on_until_its_text_changes()
    {
        string path = System.IO.Path.GetTempFileName();
        try
        {
            var (same, other) = (new PtxSnapshot("A", "11", 1, 2, 3, "H100 2026-01-31"), new PtxSnapshot("B", "22", 1, 2, 3, "H100 2026-01-31"));
            var before = new[] { same, other }.ToDictionary(s => s.Kernel);
            PtxSnapshot.Write(path, [same with { Gpu = PtxSnapshot.Never }, other with { Gpu = PtxSnapshot.Never, Hash = "33" }], before);
            Assert.Equal([same, other with { Hash = "33", Gpu = PtxSnapshot.Never }], PtxSnapshot.Read(path).Values);
        }
        finally
        {
            File.Delete(path);
        }
    }

    /// <summary>A fact of an optimised build: other code compiles to other PTX, and the library ships optimised.</summary>
    [AttributeUsage(AttributeTargets.Method)]
    private sealed class OptimisedFactAttribute : FactAttribute
    {
        public OptimisedFactAttribute()
        {
            bool optimised = typeof(DeviceContext).Assembly.GetCustomAttribute<DebuggableAttribute>() is not { IsJITOptimizerDisabled: true };
            Skip = optimised ? null : "the kernels' PTX is that of a Release build";
        }
    }
}
