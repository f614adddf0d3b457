using SmartFrz.Kernels;
using SmartFrz.Tensors;

namespace SmartFrz.Nn;

/// <summary>The global norm of all gradients of a network: the square root of the sum of all their squares.</summary>
/// <remarks>
/// Computes: sums in double precision in a fixed order, on the device; booked as <see cref="Phase.Update"/>.
/// Source:   PyTorch's <c>clip_grad_norm_</c>.
/// </remarks>
public sealed class GradientNorm : IDisposable
{
    private readonly Parameter[] _parameters;
    private readonly Engine _engine;
    private readonly Tensor _slots, _norm;

    /// <summary>For the parameters of a module.</summary>
    public GradientNorm(Module module)
    {
        _engine = module.Engine;
        _parameters = [.. module.Parameters()];
        int slots = _parameters.Sum(p => SquaredNormKernel.Slots((int)p.Shape.Count));
        // The slots are doubles; of the tensor types, I64 has their size.
        _slots = _engine.NewPersistent(new Shape(slots), DType.I64, BufferKind.Workspace);
        _norm = _engine.NewPersistent(new Shape(1), DType.F32, BufferKind.Workspace);
    }

    /// <summary>The last norm computed, one number on the device.</summary>
    public DeviceBuffer Value => _norm.Buffer;

    /// <summary>Computes the norm over the parameters that have a gradient now, and leaves it on the device.</summary>
    public void Compute()
    {
        var context = _engine.Context;
        var (layer, phase) = (context.Layer, context.Phase);
        context.Phase = Phase.Update;
        int slot = 0;
        foreach (var parameter in _parameters)
        {
            if (!parameter.Variable.HasGradient)
            {
                continue;
            }

            int count = (int)parameter.Shape.Count;
            context.Layer = parameter.Variable.Layer;
            _engine.Launch(new SquaredNormKernel(parameter.Variable.Gradient, count, _slots.Buffer, slot));
            slot += SquaredNormKernel.Slots(count);
        }

        context.Layer = layer;
        _engine.Launch(new NormKernel(_slots.Buffer, slot, _norm.Buffer));
        context.Phase = phase;
    }

    /// <summary>Computes the norm over the parameters that have a gradient now. Waits for the device.</summary>
    public float Measure()
    {
        Compute();
        return _norm.Item();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _slots.Dispose();
        _norm.Dispose();
    }
}
