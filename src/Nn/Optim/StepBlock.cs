using SmartFrz.Kernels;
using SmartFrz.Tensors;

namespace SmartFrz.Nn;

/// <summary>
/// The numbers of an optimizer step that change from step to step, in one small device buffer that update kernels read: [0] the
/// learning rate, [1] the scale of the gradients, then what each parameter needs for itself.
/// </summary>
internal sealed class StepBlock(Engine engine, int capacity) : IDisposable
{
    /// <summary>Where the scale of the gradients is.</summary>
    public const int GradientScale = 1;

    private const int Shared = 2;

    private readonly float[] _host = new float[Shared + capacity];
    private readonly Tensor _device = engine.NewPersistent(new Shape(Shared + capacity), DType.F32, BufferKind.Workspace);
    private int _used = Shared;

    /// <summary>The buffer; it stays the same.</summary>
    public DeviceBuffer Buffer => _device.Buffer;

    /// <summary>Begins a step.</summary>
    public void Begin(float learningRate, float gradientScale)
    {
        (_host[0], _host[GradientScale]) = (learningRate, gradientScale);
        _used = Shared;
    }

    /// <summary>Room for one parameter's own numbers.</summary>
    public Span<float> Reserve(int count, out int slot)
    {
        slot = _used;
        _used += count;
        return _host.AsSpan(slot, count);
    }

    /// <summary>Copies it to the device.</summary>
    public void Upload() => engine.Context.Upload<float>(_host.AsSpan(0, _used), _device.Buffer);

    public void Dispose() => _device.Dispose();
}
