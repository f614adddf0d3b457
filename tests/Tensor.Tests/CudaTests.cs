using SmartFrz.Kernels;
using SmartFrz.Kernels.Cpu;
using SmartFrz.Kernels.Cuda;
using SmartFrz.Kernels.Tests;
using SmartFrz.Tensors.Verification;
using Xunit.Abstractions;
using Xunit.Sdk;

namespace SmartFrz.Tensors.Tests;

/// <summary>
/// The CUDA kernels, on the emulator, against the CPU kernels: small groups and tiles, all gradients. The interpreter of their PTX, in the
/// kernels' own tests, runs the groups and tiles of a GPU and every subset of gradients.
/// </summary>
[TestCaseOrderer("SmartFrz.Tensors.Tests." + nameof(CoverageLast), "SmartFrz.Tensors.Tests")]
public sealed class CudaTests(CudaTests.Devices devices) : IClassFixture<CudaTests.Devices>
{
    public static TheoryData<string> OpNames => [.. OpCases.All.Where(c => c.Emulate).Select(c => c.Name)];

    public static TheoryData<string> KernelNames => [.. KernelCases.All.Select(c => c.Name)];

    [Theory]
    [MemberData(nameof(OpNames))]
    public void An_operation_computes_what_it_computes_on_the_cpu(string name)
    {
        var op = OpCases.Find(name);
        Close.Assert($"{name} forward", OpRun.Forward(devices.Cpus[^1], op), devices.Forward(op), op.Tolerance);
        var need = NeedMask.All(op.Inputs.Count);
        var expected = OpRun.Gradients(devices.Cpus[^1], op, need);
        var actual = devices.Gradients(op, need);
        for (int i = 0; i < op.Inputs.Count; i++)
        {
            Assert.Equal(expected[i] is null, actual[i] is null);
            if (expected[i] is { } e)
            {
                Close.Assert($"{name} gradient {i}", e, actual[i]!, op.GradTolerance);
            }
        }
    }

    [Theory]
    [MemberData(nameof(KernelNames))]
    public void A_kernel_matches_its_reference_on_every_instruction_set_and_on_cuda(string name)
    {
        var kernel = KernelCases.Find(name);
        double[] expected = kernel.Reference();
        foreach (var cpu in devices.Cpus)
        {
            Close.Assert($"{name} on {cpu.Name}", expected, KernelCases.Run(cpu, kernel), kernel.Tolerance);
        }

        Close.Assert($"{name} on {devices.Emulated.Name}", expected, devices.Run(kernel), kernel.Tolerance);
    }

    // Runs last, so that most cases have run already; those that have not run now.
    [Fact]
    public void Every_cuda_kernel_and_every_operator_in_one_is_run_by_a_case()
    {
        devices.RunTheRest();

        // A kernel counts with its operators apart: not every operator that would fit a kernel is meant for it.
        var launched = devices.Emulated.LaunchedKernels.SelectMany(KernelCatalog.Parts).ToHashSet();
        var missing = KernelCatalog.All.SelectMany(k => KernelCatalog.Parts(k.Method)).Distinct().Where(p => !launched.Contains(p));
        Assert.True(
            !missing.Any(),
            $"no case runs {string.Join(", ", missing)}: add an OpCase for an operation, or a KernelCase for a kernel outside the tape");
    }

    /// <summary>The CPU devices, the emulator, and which cases have run on it.</summary>
    public sealed class Devices : IDisposable
    {
        private readonly HashSet<string> _ran = [];

        public IReadOnlyList<Device> Cpus { get; } =
            [.. Enum.GetValues<CpuIsa>().Where(isa => isa.IsSupported()).Select(isa => new CpuDevice(2, isa))];

        public CudaDevice Emulated { get; } = CudaDevice.OpenEmulated();

        internal float[] Forward(OpCase op) => OpRun.Forward(Emulated, op);

        internal float[]?[] Gradients(OpCase op, NeedMask need)
        {
            if (need == NeedMask.All(op.Inputs.Count))
            {
                _ran.Add(op.Name);
            }

            return OpRun.Gradients(Emulated, op, need);
        }

        internal float[] Run(KernelCase kernel)
        {
            _ran.Add(kernel.Name);
            return KernelCases.Run(Emulated, kernel);
        }

        public void RunTheRest()
        {
            foreach (var op in OpCases.All.Where(c => c.Emulate && !_ran.Contains(c.Name)))
            {
                Gradients(op, NeedMask.All(op.Inputs.Count));
            }

            foreach (var kernel in KernelCases.All.Where(c => !_ran.Contains(c.Name)))
            {
                Run(kernel);
            }
        }

        public void Dispose()
        {
            foreach (var cpu in Cpus)
            {
                cpu.Dispose();
            }

            Emulated.Dispose();
        }
    }
}

/// <summary>Puts the coverage test at the end.</summary>
public sealed class CoverageLast : ITestCaseOrderer
{
    /// <inheritdoc/>
    public IEnumerable<TTestCase> OrderTestCases<TTestCase>(IEnumerable<TTestCase> testCases)
        where TTestCase : ITestCase
        => testCases.OrderBy(c => c.TestMethod.Method.Name == nameof(CudaTests.Every_cuda_kernel_and_every_operator_in_one_is_run_by_a_case));
}
