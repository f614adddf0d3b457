using SmartFrz.Cases;
using SmartFrz.Kernels;
using SmartFrz.Kernels.Cpu;
using SmartFrz.Kernels.Cuda;

namespace SmartFrz.Tensors.Tests;

/// <summary>
/// Every operation against its double-precision reference: values, gradients for every subset of operands, plan against ledger,
/// memory, all on each instruction set; and the CUDA kernels (emulated) against the CPU ones.
/// </summary>
public sealed class OpTests(OpTests.Devices devices) : IClassFixture<OpTests.Devices>
{
    public static TheoryData<string> Names => [.. OpCases.All.Select(c => c.Name)];

    public static TheoryData<string> EmulatedNames => [.. OpCases.All.Where(c => c.Emulate).Select(c => c.Name)];

    [Fact]
    public void Case_names_are_unique()
    {
        Assert.NotEmpty(OpCases.All);
        Assert.Equal(OpCases.All.Count, OpCases.All.Select(c => c.Name).Distinct().Count());
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Values_match_the_reference_on_every_instruction_set(string name)
    {
        var op = OpCases.Find(name);
        var expected = op.Reference(Doubles(op.Operands()));
        foreach (var device in devices.Cpus)
        {
            AssertClose($"{name} on {device.Name}", expected, OpRun.Forward(device, op), op.Tolerance);
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Gradients_match_finite_differences_for_every_needed_subset(string name)
    {
        var op = OpCases.Find(name);
        var expected = FiniteDifferences(op);
        foreach (var device in devices.Cpus)
        {
            var all = OpRun.Gradients(device, op, NeedMask.All(op.Inputs.Count));
            for (int i = 0; i < op.Inputs.Count; i++)
            {
                AssertClose($"{name} on {device.Name}, gradient {i}", expected[i], all[i]!, op.GradTolerance);
            }

            for (uint bits = 1; bits < 1u << op.Inputs.Count; bits++)
            {
                // The same bits whatever else is needed: freezing one layer must not move another.
                var some = OpRun.Gradients(device, op, new NeedMask(bits));
                for (int i = 0; i < op.Inputs.Count; i++)
                {
                    Assert.Equal((bits >> i & 1) != 0, some[i] is not null);
                    Assert.True(some[i] is null || some[i]!.AsSpan().SequenceEqual(all[i]), $"{name}: gradient {i} changes with mask {bits:b}");
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(EmulatedNames))]
    public void Cuda_kernels_match_the_cpu_kernels(string name)
    {
        var op = OpCases.Find(name);
        var cpu = devices.Cpus[^1];
        AssertClose($"{name} forward", Array.ConvertAll(OpRun.Forward(cpu, op), v => (double)v), OpRun.Forward(devices.Emulated, op), op.Tolerance);
        for (uint bits = 1; bits < 1u << op.Inputs.Count; bits++)
        {
            var need = new NeedMask(bits);
            var expected = OpRun.Gradients(cpu, op, need);
            var actual = OpRun.Gradients(devices.Emulated, op, need);
            for (int i = 0; i < op.Inputs.Count; i++)
            {
                Assert.Equal(expected[i] is null, actual[i] is null);
                if (expected[i] is { } e)
                {
                    AssertClose($"{name} gradient {i} of mask {bits:b}", Array.ConvertAll(e, v => (double)v), actual[i]!, op.GradTolerance);
                }
            }
        }
    }

    private static double[][] FiniteDifferences(OpCase op)
    {
        var x = Doubles(op.Operands());
        var seed = Array.ConvertAll(OpRun.Seed(op.Reference(x).Length), v => (double)v);
        var gradients = new double[x.Length][];
        const double Step = 1e-5; // the error of a central difference is about Step^2 + 1e-16/Step
        for (int i = 0; i < x.Length; i++)
        {
            gradients[i] = new double[x[i].Length];
            for (int k = 0; k < x[i].Length; k++)
            {
                double at = x[i][k];
                x[i][k] = at + Step;
                double up = Dot(op.Reference(x), seed);
                x[i][k] = at - Step;
                double down = Dot(op.Reference(x), seed);
                x[i][k] = at;
                gradients[i][k] = (up - down) / (2 * Step);
            }
        }

        return gradients;
    }

    private static double Dot(double[] a, double[] b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++)
        {
            sum += a[i] * b[i];
        }

        return sum;
    }

    private static double[][] Doubles(float[][] x) => Array.ConvertAll(x, row => Array.ConvertAll(row, v => (double)v));

    private static void AssertClose(string what, double[] expected, float[] actual, double tolerance)
    {
        Assert.Equal(expected.Length, actual.Length);
        double scale = Math.Max(1e-3, expected.Select(Math.Abs).DefaultIfEmpty(0).Max());
        for (int i = 0; i < expected.Length; i++)
        {
            double error = Math.Abs(expected[i] - actual[i]);
            Assert.True(error <= tolerance * scale, $"{what}: element {i} is {actual[i]:R}, expected {expected[i]:R} within {tolerance * scale:g3}");
        }
    }

    /// <summary>One device for each instruction set of this machine, and the CUDA emulator.</summary>
    public sealed class Devices : IDisposable
    {
        public IReadOnlyList<Device> Cpus { get; } =
            [.. Enum.GetValues<CpuIsa>().Where(isa => isa.IsSupported()).Select(isa => new CpuDevice(2, isa))];

        public Device Emulated { get; } = CudaDevice.OpenEmulated();

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
