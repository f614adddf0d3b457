using SmartFrz.Kernels;
using SmartFrz.Kernels.Cpu;
using SmartFrz.Tensors.Verification;

namespace SmartFrz.Tensors.Tests;

/// <summary>
/// Every operation against its double-precision reference: values, gradients for every subset of operands, plan against ledger,
/// memory, all on each instruction set. The CUDA kernels are held against the CPU's in <see cref="CudaTests"/>.
/// </summary>
public sealed class OpTests(OpTests.Devices devices) : IClassFixture<OpTests.Devices>
{
    public static TheoryData<string> Names => [.. OpCases.All.Select(c => c.Name)];

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
        var expected = op.Reference(op.DoubleOperands());
        foreach (var device in devices.Cpus)
        {
            Close.Assert($"{name} on {device.Name}", expected, OpRun.Forward(device, op), op.Tolerance);
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Gradients_match_finite_differences_for_every_needed_subset(string name)
    {
        var op = OpCases.Find(name);
        var expected = FiniteDifferences.Of(op);
        foreach (var device in devices.Cpus)
        {
            var all = OpRun.Gradients(device, op, NeedMask.All(op.Inputs.Count));
            for (int i = 0; i < op.Inputs.Count; i++)
            {
                Close.Assert($"{name} on {device.Name}, gradient {i}", expected[i], all[i]!, op.GradTolerance);
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

    /// <summary>One device for each instruction set of this machine.</summary>
    public sealed class Devices : IDisposable
    {
        public IReadOnlyList<Device> Cpus { get; } =
            [.. Enum.GetValues<CpuIsa>().Where(isa => isa.IsSupported()).Select(isa => new CpuDevice(2, isa))];

        public void Dispose()
        {
            foreach (var cpu in Cpus)
            {
                cpu.Dispose();
            }
        }
    }
}
