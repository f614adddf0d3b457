using System.Globalization;
using ILGPU.Runtime.Cuda;
using Xunit.Abstractions;

namespace SmartFrz.Kernels.Tests;

/// <summary>
/// Every CUDA kernel, compiled to PTX without a GPU and linted. That is proof of well-formed text; what it computes is in <see cref="PtxInterpreterTests"/>.
/// </summary>
public sealed class CudaKernelPtxTests(CudaKernelPtxTests.Compilers compilers, ITestOutputHelper output) : IClassFixture<CudaKernelPtxTests.Compilers>
{
    // Kernels that may keep data in thread-local memory, each with its reason.
    private static readonly Dictionary<string, string> MayUseLocalMemory = [];

    // Two groups of 256 threads share the 65536 registers of a multiprocessor: with more than this a thread, only one is resident.
    private const int MostLiveRegisters = 65536 / (2 * 256);

    public static TheoryData<string> Names => [.. KernelCatalog.All.Select(k => k.Name)];

    [Fact]
    public void Kernels_are_found_and_their_names_are_unique()
    {
        Assert.Contains("GemmCuda.Multiply<GpuTile>", KernelCatalog.All.Select(k => k.Name));
        Assert.Equal(KernelCatalog.All.Count, KernelCatalog.All.Select(k => k.Name).Distinct().Count());
        Assert.All(MayUseLocalMemory.Keys, name => Assert.Contains(KernelCatalog.All, k => k.Name == name));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void The_kernel_is_well_formed_on_every_architecture(string name)
    {
        var kernel = KernelCatalog.All.Single(k => k.Name == name);
        foreach (var architecture in Compilers.Architectures)
        {
            var report = PtxLinter.Check(compilers.Compile(architecture, kernel));
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{architecture}: {report.Instructions} instructions, {report.LiveRegisters} live registers, {report.SharedBytes} bytes shared, {report.LocalBytes} local"));
            Assert.Empty(report.Problems);
            Assert.True(
                report.LiveRegisters <= MostLiveRegisters,
                $"{report.LiveRegisters} live registers, with more than {MostLiveRegisters} only one group of 256 threads is resident on a multiprocessor");
            Assert.True(
                report.LocalBytes == 0 || MayUseLocalMemory.ContainsKey(name),
                $"{report.LocalBytes} bytes of thread-local memory: index local arrays with constants only, or list the kernel with its reason");
        }
    }

    /// <summary>One compiler for each architecture.</summary>
    public sealed class Compilers : IDisposable
    {
        private readonly Dictionary<CudaArchitecture, PtxCompiler> _compilers = [];

        // The oldest architecture the kernels are made for, and the one they are tuned for.
        public static IReadOnlyList<CudaArchitecture> Architectures { get; } = [CudaArchitecture.SM_80, CudaArchitecture.SM_90];

        internal string Compile(CudaArchitecture architecture, CatalogKernel kernel)
        {
            if (!_compilers.TryGetValue(architecture, out var compiler))
            {
                _compilers[architecture] = compiler = new PtxCompiler(architecture);
            }

            try
            {
                return compiler.Compile(kernel.Method, kernel.MaxGroup);
            }
            catch
            {
                // A failure may leave the compiler unusable: the next kernel gets a new one.
                _compilers.Remove(architecture);
                compiler.Dispose();
                throw;
            }
        }

        public void Dispose()
        {
            foreach (var compiler in _compilers.Values)
            {
                compiler.Dispose();
            }
        }
    }
}
