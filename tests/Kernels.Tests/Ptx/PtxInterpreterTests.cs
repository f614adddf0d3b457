using System.Reflection;
using SmartFrz.Kernels.Cpu;
using SmartFrz.Kernels.Cuda;
using SmartFrz.Tensors;
using SmartFrz.Tensors.Verification;
using Xunit.Abstractions;
using Xunit.Sdk;

namespace SmartFrz.Kernels.Tests;

/// <summary>The PTX of every CUDA kernel, interpreted with the groups and tiles of a GPU, against the CPU kernels.</summary>
[TestCaseOrderer("SmartFrz.Kernels.Tests." + nameof(CoverageLast), "SmartFrz.Kernels.Tests")]
public sealed class PtxInterpreterTests(PtxInterpreterTests.Devices devices) : IClassFixture<PtxInterpreterTests.Devices>
{
    public static TheoryData<string> OpNames => [.. OpCases.All.Select(c => c.Name)];

    public static TheoryData<string> KernelNames => [.. KernelCases.All.Select(c => c.Name)];

    [Theory]
    [MemberData(nameof(OpNames))]
    public void An_operation_computes_what_it_computes_on_the_cpu(string name)
    {
        var op = OpCases.Find(name);
        devices.Ran(name);
        Close($"{name} forward", OpRun.Forward(devices.Cpu, op), OpRun.Forward(devices.Interpreted, op), op.Tolerance);
        var need = NeedMask.All(op.Inputs.Count);
        var expected = OpRun.Gradients(devices.Cpu, op, need);
        var actual = OpRun.Gradients(devices.Interpreted, op, need);
        for (int i = 0; i < op.Inputs.Count; i++)
        {
            Assert.Equal(expected[i] is null, actual[i] is null);
            if (expected[i] is { } e)
            {
                Close($"{name} gradient {i}", e, actual[i]!, op.GradTolerance);
            }
        }

        // The same bits whatever else is needed: freezing one layer must not move another.
        for (uint bits = 1; bits < need.Bits; bits++)
        {
            var some = OpRun.Gradients(devices.Interpreted, op, new NeedMask(bits));
            for (int i = 0; i < op.Inputs.Count; i++)
            {
                Assert.Equal((bits >> i & 1) != 0, some[i] is not null);
                Assert.True(some[i] is null || some[i]!.AsSpan().SequenceEqual(actual[i]), $"{name}: gradient {i} changes with mask {bits:b}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(KernelNames))]
    public void A_kernel_outside_the_tape_computes_what_it_computes_on_the_cpu(string name)
    {
        var kernel = KernelCases.Find(name);
        devices.Ran(name);
        Close(name, KernelCases.Run(devices.Cpu, kernel), KernelCases.Run(devices.Interpreted, kernel), kernel.Tolerance);
    }

    // Only with this many pixels does a GPU cut the sum, so no case of an operation reaches the second pass.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_weight_gradient_in_parts_is_that_of_the_cpu(bool accumulate) =>
        Close("weight gradient", devices.WeightGradient(devices.Cpu, accumulate), devices.WeightGradient(devices.Interpreted, accumulate), 1e-5);

    // Runs last, so that most cases have run already; those that have not run now.
    [Fact]
    public void Every_kernel_that_a_gpu_gets_is_interpreted()
    {
        devices.RunTheRest();
        var run = devices.Interpreter.Launched.SelectMany(Parts).ToHashSet();
        var found = KernelCatalog.All.SelectMany(k => Parts(k.Method)).Where(p => p != nameof(EmulatorTile)).ToHashSet();
        Assert.Equal(found.Order(StringComparer.Ordinal), run.Order(StringComparer.Ordinal));
    }

    // A kernel counts with its operators apart, since not every operator that would fit a kernel is meant for it; and with its tiles.
    private static IEnumerable<string> Parts(MethodInfo kernel) =>
        KernelCatalog.Parts(kernel).Concat(kernel.IsGenericMethod ? kernel.GetGenericArguments().Where(a => typeof(ITileShape).IsAssignableFrom(a)).Select(a => a.Name) : []);

    private static void Close(string what, float[] expected, float[] actual, double tolerance)
    {
        Assert.Equal(expected.Length, actual.Length);
        double scale = Math.Max(1e-3, expected.Select(v => (double)Math.Abs(v)).DefaultIfEmpty(0).Max());
        for (int i = 0; i < expected.Length; i++)
        {
            bool same = Math.Abs((double)expected[i] - actual[i]) <= tolerance * scale;
            Assert.True(same, $"{what}: [{i}] is {actual[i]:R}, {expected[i]:R} is expected");
        }
    }

    /// <summary>The processor and the interpreter.</summary>
    public sealed class Devices : IDisposable
    {
        private readonly HashSet<string> _ran = [];

        internal PtxInterpreter Interpreter { get; } = new();

        public CpuDevice Cpu { get; } = new(1);

        public CudaDevice Interpreted { get; }

        public Devices() => Interpreted = Interpreter.Open();

        public void Ran(string name) => _ran.Add(name);

        internal float[] WeightGradient(Device device, bool accumulate)
        {
            var shape = new Conv2dShape(1, 2, 47, 49, 3, 2, 1, 1, 1, 0, 0, 1, 1, 1);
            using var bench = new KernelBench(device);
            var dw = bench.Uniform((int)shape.WeightCount, 3);
            bench.Launch(new Conv2dBackwardWeight(shape, bench.Uniform(shape.K * shape.P * shape.Q, 1), bench.Uniform(shape.C * shape.H * shape.W, 2), dw, accumulate));
            return bench.Read<float>(dw, (int)shape.WeightCount);
        }

        public void RunTheRest()
        {
            WeightGradient(Interpreted, accumulate: false);
            foreach (var op in OpCases.All.Where(c => !_ran.Contains(c.Name)))
            {
                OpRun.Gradients(Interpreted, op, NeedMask.All(op.Inputs.Count));
            }

            foreach (var kernel in KernelCases.All.Where(c => !_ran.Contains(c.Name)))
            {
                KernelCases.Run(Interpreted, kernel);
            }
        }

        public void Dispose()
        {
            Interpreted.Dispose();
            Interpreter.Dispose();
            Cpu.Dispose();
        }
    }
}

/// <summary>Puts the coverage test at the end.</summary>
public sealed class CoverageLast : ITestCaseOrderer
{
    /// <inheritdoc/>
    public IEnumerable<TTestCase> OrderTestCases<TTestCase>(IEnumerable<TTestCase> testCases)
        where TTestCase : ITestCase
        => testCases.OrderBy(c => c.TestMethod.Method.Name == nameof(PtxInterpreterTests.Every_kernel_that_a_gpu_gets_is_interpreted));
}
