using SmartFrz.Kernels;

namespace SmartFrz.Tensors;

/// <summary>
/// A tensor that lives across steps and may collect a gradient: the leaf under a parameter.
/// </summary>
/// <remarks>
/// The gradient buffer exists from the first backward pass that needs it until the variable stops requiring a gradient.
/// Gradients of several backward passes add up until <see cref="ClearGradient"/>.
/// </remarks>
public sealed class Variable : IDisposable
{
    private DeviceBuffer _gradient;
    private bool _requiresGrad = true;

    /// <summary>A variable of that shape; its content is undefined until written.</summary>
    public Variable(Engine engine, Shape shape, LayerId layer)
    {
        Engine = engine;
        Layer = layer;
        Value = engine.NewPersistent(shape, DType.F32, BufferKind.Parameter, layer, GradSource.Of(this));
    }

    /// <summary>The engine it lives in.</summary>
    public Engine Engine { get; }

    /// <summary>The layer it is booked on.</summary>
    public LayerId Layer { get; }

    /// <summary>The tensor that operations take.</summary>
    public Tensor Value { get; }

    /// <summary>Whether a backward pass computes its gradient. Setting it to false gives the gradient buffer back.</summary>
    public bool RequiresGrad
    {
        get => _requiresGrad;
        set
        {
            _requiresGrad = value;
            if (!value)
            {
                ReleaseGradient();
            }
        }
    }

    /// <summary>Whether a backward pass has written the gradient since the last <see cref="ClearGradient"/>.</summary>
    public bool HasGradient { get; private set; }

    /// <summary>The gradient, of the value's shape.</summary>
    /// <exception cref="InvalidOperationException">There is none.</exception>
    public DeviceBuffer Gradient => HasGradient ? _gradient : throw new InvalidOperationException("this variable has no gradient: run a backward pass first");

    /// <summary>Forgets the gradient; the next backward pass overwrites it, so nothing is launched.</summary>
    public void ClearGradient() => HasGradient = false;

    /// <inheritdoc/>
    public void Dispose()
    {
        ReleaseGradient();
        Value.Dispose();
    }

    internal DeviceBuffer GradientForWriting()
    {
        if (_gradient.IsNull)
        {
            var context = Engine.Context;
            var layer = context.Layer;
            context.Layer = Layer;
            _gradient = context.Rent(Value.Buffer.Bytes, BufferKind.Gradient);
            context.Layer = layer;
        }

        HasGradient = true;
        return _gradient;
    }

    private void ReleaseGradient()
    {
        HasGradient = false;
        if (!_gradient.IsNull)
        {
            Engine.Context.Return(_gradient);
            _gradient = default;
        }
    }
}
