using SmartFrz.Kernels;
using SmartFrz.Tensors;

namespace SmartFrz.Nn;

/// <summary>The number of the engine's current step, on the device for kernels that draw random numbers; one for each network.</summary>
internal sealed class StepNumber(Engine engine) : IDisposable
{
    private readonly Tensor _value = engine.NewPersistent(new Shape(1), DType.I64, BufferKind.Input);
    private long _uploaded = -1;

    /// <summary>The number, copied to the device when it has changed.</summary>
    public Tensor Current()
    {
        if (_uploaded != engine.StepNumber)
        {
            _uploaded = engine.StepNumber;
            engine.Context.Upload<long>([_uploaded], _value.Buffer);
        }

        return _value;
    }

    public void Dispose() => _value.Dispose();
}
