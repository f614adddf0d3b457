using SmartFrz.Kernels;
using SmartFrz.Kernels.Cpu;
using SmartFrz.Kernels.Cuda;

namespace SmartFrz.Freeze.Tests;

/// <summary>Both backends, opened once for all tests of a collection: the emulator compiles its kernels only once.</summary>
public sealed class TestDevices : IDisposable
{
    private readonly Lazy<Device> _cpu = new(() => new CpuDevice(threads: 2));
    private readonly Lazy<Device> _cuda = new(CudaDevice.OpenEmulated);

    public Device this[string kind] => kind == "cpu" ? _cpu.Value : _cuda.Value;

    public void Dispose()
    {
        foreach (var device in new[] { _cpu, _cuda })
        {
            if (device.IsValueCreated)
            {
                device.Value.Dispose();
            }
        }
    }
}

/// <summary>Tests that run on both backends, one after another.</summary>
[CollectionDefinition(nameof(TestDevices))]
public sealed class BothDevices : ICollectionFixture<TestDevices>;
