using SmartFrz.Kernels.Cpu;
using SmartFrz.Tensors;

namespace SmartFrz.Nn.Tests;

/// <summary>An engine on the CPU with its device, for one test.</summary>
internal sealed class TestEngine : IDisposable
{
    private readonly CpuDevice _device;

    public TestEngine(int threads = 2)
    {
        _device = new CpuDevice(threads, null);
        Engine = new Engine(_device);
    }

    public Engine Engine { get; }

    /// <summary>Uniform numbers in [-1, 1), the same on every machine.</summary>
    public static float[] Uniform(long count, ulong stream, float scale = 1f)
    {
        var random = Kernels.Random.Philox.Keyed(97, stream);
        var values = new float[count];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = scale * ((2f * random.Uniform((ulong)i)) - 1f);
        }

        return values;
    }

    public void Dispose()
    {
        Engine.Dispose();
        _device.Dispose();
    }
}
