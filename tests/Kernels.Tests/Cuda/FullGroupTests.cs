using SmartFrz.Kernels.Cpu;
using SmartFrz.Kernels.Cuda;

namespace SmartFrz.Kernels.Tests;

/// <summary>
/// Products over several of the tiles that a GPU gets, 256 threads each.
/// </summary>
public sealed class FullGroupTests
{
    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public void A_product_in_large_tiles_is_that_of_the_cpu(bool transA, bool transB)
    {
        // Odd sizes leave tiles partly empty, and the depth has a remainder.
        var shape = new GemmShape(131, 67, 35, transA, transB, Accumulate: false);
        using var cpu = new CpuDevice(1);
        using var interpreter = new PtxInterpreter();
        using var gpu = interpreter.Open();

        var expected = Multiply(cpu, shape);
        var actual = Multiply(gpu, shape);

        Assert.Contains(interpreter.Launched, k => k.GetGenericArguments().Contains(typeof(GpuTile)));
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
