using SmartFrz.Kernels.Cpu;
using SmartFrz.Kernels.Cuda;

namespace SmartFrz.Tensors.Tests;

/// <summary>Gradients where a function has no derivative: PyTorch's choice, on every instruction set and with the CUDA kernels.</summary>
public sealed class KinkTests
{
    [Fact]
    public void Relu6_passes_nothing_at_0_and_6() =>
        Check(x => x.Relu6(), [-1, 0, 0.5f, 6, 7], [0, 0, 1, 0, 0]);

    [Fact]
    public void Hardswish_has_the_slopes_of_its_middle_at_both_ends() =>
        Check(x => x.Hardswish(), [-4, -3, 0, 3, 4], [0, -0.5f, 0.5f, 1.5f, 1]);

    [Fact]
    public void Relu_passes_nothing_at_0() => Check(x => x.Relu(), [-1, 0, 1, 2, 0], [0, 0, 1, 1, 0]);

    private static void Check(Func<Tensor, Tensor> function, float[] at, float[] slopes)
    {
        foreach (var isa in Enum.GetValues<CpuIsa>().Where(i => i.IsSupported()))
        {
            using var cpu = new CpuDevice(1, isa);
            Check(cpu, function, at, slopes);
        }

        using var cuda = CudaDevice.OpenEmulated();
        Check(cuda, function, at, slopes);
    }

    private static void Check(Kernels.Device device, Func<Tensor, Tensor> function, float[] at, float[] slopes)
    {
        using var engine = new Engine(device);
        using var x = new Variable(engine, new Shape(at.Length), default);
        x.Value.CopyFrom(at);
        using (engine.BeginStep())
        {
            engine.Backward(function(x.Value).Sum());
        }

        var gradient = new float[at.Length];
        engine.Context.Download<float>(x.Gradient, gradient);
        Assert.Equal(slopes, gradient);
    }
}
