using SmartFrz.Kernels;
using SmartFrz.Kernels.Cpu;
using SmartFrz.Kernels.Cuda;
using SmartFrz.Tensors.Verification;

namespace SmartFrz.Tensors.Tests;

/// <summary>The check of a device that the command <c>doctor</c> runs.</summary>
public sealed class DeviceCheckTests
{
    [Fact]
    public void Every_kernel_is_run_and_right_on_the_cpu()
    {
        using var device = new CpuDevice(2);
        var seen = new List<DeviceComparison>();
        var check = new DeviceCheck(device);
        check.Compared += seen.Add;

        var report = check.Run();

        Assert.Equal("double precision", report.Reference);
        Assert.Equal([], report.Comparisons.Where(c => !c.Passed));
        Assert.Equal([], report.SkippedCases);
        Assert.Equal([], report.Kernels.Where(k => k.Comparisons == 0).Select(k => k.Kernel));
        Assert.Equal(seen, report.Comparisons);
        Assert.Equal(OpCases.All.Count + KernelCases.All.Count, report.Comparisons.Count(c => c.What is "forward" or "kernel"));
        Assert.Contains(report.Kernels, k => k is { Kernel: "conv2d.backward_weight", Comparisons: > 10, Failed: 0, WorstError: > 0 and < 1 });
    }

    [Fact]
    public void A_gpu_is_held_against_the_cpu()
    {
        using var device = CudaDevice.OpenEmulated();
        using var cpu = new CpuDevice();

        var report = new DeviceCheck(device) { Filter = name => name is "add (3,5)" or "fill 37" or "conv2d (1,9,3,9) (17,9,3,3) p1 bias" }.Run();

        Assert.Equal(cpu.Name, report.Reference);
        Assert.True(report.Passed);
        Assert.Equal(["forward", "gradient 0", "gradient 1", "gradient 1 alone", "gradient 0 alone", "kernel"], report.Comparisons.Select(c => c.What));
        // The last one is too large for the emulator.
        Assert.Contains("conv2d (1,9,3,9) (17,9,3,3) p1 bias", report.SkippedCases);
        Assert.Equal(OpCases.All.Count + KernelCases.All.Count - 2, report.SkippedCases.Count);
        Assert.Null(report.Kernels.Single(k => k.Kernel == "conv2d").WorstError);
        Assert.Equal((1, 0), report.Kernels.Where(k => k.Kernel == "add").Select(k => (k.Comparisons, k.Failed)).Single());
    }

    [Fact]
    public void A_device_that_computes_nothing_is_found_out()
    {
        using var device = new DryDevice();

        var report = new DeviceCheck(device) { Filter = name => name.StartsWith("linear", StringComparison.Ordinal) || name == "fill 37" }.Run();

        Assert.False(report.Passed);
        Assert.All(report.Comparisons, c => Assert.False(c.Passed));
        Assert.Contains(report.Kernels, k => k is { Kernel: "matmul", Failed: > 0 });
        Assert.Contains(report.Kernels, k => k is { Kernel: "fill", Failed: > 0, WorstError: > 1 });
    }

    [Fact]
    public void Differences_are_measured_by_the_largest_number()
    {
        Assert.Equal(0.25, Differences.Largest([4, 1, -2], [4, 2, -2]));
        Assert.Equal(double.PositiveInfinity, Differences.Largest([4, 1], [4, float.NaN]));
        Assert.Equal(double.PositiveInfinity, Differences.Largest([4, 1], [4]));
        Assert.Equal(0.5, Differences.Largest([0], [0.0005f]), 6);
    }
}
