using SmartFrz.Kernels.Cpu;
using SmartFrz.Kernels.Cuda;

namespace SmartFrz.Kernels.Tests;

/// <summary>
/// The groups and tiles that a GPU gets, on the emulator: 256 threads each, so one small product must do for the tile's indices.
/// </summary>
public sealed class FullGroupTests
{
    [Fact]
    public void A_product_in_the_large_tile_is_that_of_the_cpu()
    {
        // More than one tile each way would take minutes; odd sizes leave the tile partly empty, and depth has a remainder.
        var shape = new GemmShape(61, 53, 19, TransA: true, TransB: true, Accumulate: false);
        using var cpu = new CpuDevice(1);
        using var emulated = CudaDevice.OpenEmulated(CudaDevice.FullGroup);

        var expected = Multiply(cpu, shape);
        var actual = Multiply(emulated, shape);

        Assert.Contains(emulated.LaunchedKernels, k => k.GetGenericArguments().Contains(typeof(GpuTile)));
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.Equal(expected[i], actual[i], 1e-4f);
        }
    }

    private static float[] Multiply(Device device, GemmShape shape)
    {
        using var context = device.CreateContext();
        var a = Fill(context, shape.M * shape.K);
        var b = Fill(context, shape.K * shape.N);
        var bias = Fill(context, shape.N);
        var c = Fill(context, shape.M * shape.N);
        context.Launch(new GemmKernel(shape, a, b, c, bias));
        var result = new float[shape.M * shape.N];
        context.Download<float>(c, result);
        return result;
    }

    private static DeviceBuffer Fill(DeviceContext context, int count)
    {
        var random = Random.Philox.Keyed(1, (ulong)count);
        var buffer = context.Rent(count * sizeof(float), BufferKind.Workspace);
        float[] values = [.. Enumerable.Range(0, count).Select(i => (2 * random.Uniform((ulong)i)) - 1)];
        context.Upload<float>(values, buffer);
        return buffer;
    }
}
