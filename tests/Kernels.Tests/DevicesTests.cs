using System.Diagnostics;
using SmartFrz.Kernels.Cpu;
using SmartFrz.Kernels.Cuda;

namespace SmartFrz.Kernels.Tests;

/// <summary>Devices by name, and what is said about those that cannot be had.</summary>
public sealed class DevicesTests
{
    [Fact]
    public void Cpu_takes_threads_and_instruction_set()
    {
        using var device = Devices.Open("cpu", 3, "vector128");

        Assert.Equal(("cpu", 3), (device.Kind, device.Threads));
        Assert.Equal(CpuIsa.Vector128, Assert.IsType<CpuDevice>(device).Isa);
    }

    [Fact]
    public void Auto_is_cuda_where_there_is_a_gpu_and_the_cpu_elsewhere()
    {
        using var device = Devices.Open();

        Assert.Equal(Devices.List().Any(d => d.Id == "cuda:0") ? "cuda" : "cpu", device.Kind);
    }

    [Theory]
    [InlineData("gpu", 0, "auto", "the device 'gpu' is not known: auto, cpu, cuda or cuda:I with I = 0, 1, ... is expected")]
    [InlineData("cuda:", 0, "auto", "the device 'cuda:' is not known")]
    [InlineData("cuda:-1", 0, "auto", "the device 'cuda:-1' is not known")]
    [InlineData("CPU", 0, "auto", "the device 'CPU' is not known")]
    [InlineData("cpu", -2, "auto", "-2 threads were asked for")]
    [InlineData("cpu", 0, "sse", "the instruction set 'sse' is not known: auto, avx512, avx2 or vector128 is expected")]
    [InlineData("cuda:4095", 0, "auto", "device cuda:4095 cannot be used: ")]
    public void What_cannot_be_had_is_said_in_one_line(string name, int threads, string isa, string expected)
    {
        var failure = Assert.Throws<DeviceException>(() => Devices.Open(name, threads, isa));

        Assert.StartsWith(expected, failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', failure.Message);
    }

    [Fact]
    public void The_list_has_the_cpu_and_a_row_for_cuda()
    {
        var list = Devices.List();

        Assert.Equal("cpu", list[0].Id);
        Assert.True(list[0].IsUsable);
        Assert.Contains("vector128", list[0].Details, StringComparison.Ordinal);
        Assert.StartsWith("cuda", list[1].Id, StringComparison.Ordinal);
        Assert.Equal(list[1].Id == "cuda", list[1].Reason.Length > 0);
    }

    [Fact]
    public void Looking_for_a_driver_that_is_not_there_costs_next_to_nothing()
    {
        if (CudaDriver.IsPresent)
        {
            return;
        }

        var watch = Stopwatch.StartNew();
        for (int i = 0; i < 100; i++)
        {
            Assert.False(CudaDevice.TryOpen(0, out _, out string reason));
            Assert.Contains("was not found", reason, StringComparison.Ordinal);
        }

        Assert.True(watch.ElapsedMilliseconds < 1000, $"100 attempts took {watch.ElapsedMilliseconds} ms");
    }

    [Fact]
    public void Finding_a_kernel_that_was_launched_before_allocates_nothing()
    {
        using var device = CudaDevice.OpenEmulated();
        device.Launcher<FillCuda.Args>(FillCuda.Apply);
        device.Launcher<GemmCuda.Args>(GemmCuda.Multiply<EmulatorTile>);

        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++)
        {
            device.Launcher<FillCuda.Args>(FillCuda.Apply);
            device.Launcher<GemmCuda.Args>(GemmCuda.Multiply<EmulatorTile>);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void A_context_may_outlive_its_device()
    {
        var device = CudaDevice.OpenEmulated();
        var context = device.CreateContext();
        var buffer = context.Rent(64, BufferKind.Workspace);
        context.Launch(new FillKernel(buffer, 1f, 16));

        device.Dispose();
        context.Dispose();

        Assert.Equal(0, context.Memory.Reserved);
    }
}
