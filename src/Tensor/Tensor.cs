using SmartFrz.Kernels;

namespace SmartFrz.Tensors;

/// <summary>
/// An n-dimensional array on a device, and its place in the differentiation tape. Operations are methods in <c>Ops/</c>.
/// </summary>
/// <remarks>
/// Lifetime: a tensor belongs to the innermost scope of its engine (module call, step) and is gone when that ends, unless the
/// scope hands it on. Using it afterwards throws. Nothing is freed by finalizers.
/// </remarks>
public sealed partial class Tensor : IDisposable
{
    private Storage? _storage;
    private GradSource _source;

    internal Tensor(Engine engine, Shape shape, DType type, Storage storage, GradSource source)
    {
        Engine = engine;
        Shape = shape;
        DType = type;
        _storage = storage;
        _source = source;
    }

    /// <summary>The engine it lives in.</summary>
    public Engine Engine { get; }

    /// <summary>Its logical extents.</summary>
    public Shape Shape { get; }

    /// <summary>Its element type.</summary>
    public DType DType { get; }

    /// <summary>How its elements lie in memory.</summary>
    public Layout Layout { get; init; } = Layout.RowMajor;

    /// <summary>Its memory.</summary>
    /// <exception cref="ObjectDisposedException">Its scope has ended.</exception>
    public DeviceBuffer Buffer => Storage.Buffer;

    /// <summary>Whether a gradient can flow through it to something trainable.</summary>
    public bool RequiresGrad => Source.NeedsGradient;

    internal GradSource Source
    {
        get => _source.Now();
        set => _source = value;
    }

    internal Storage Storage =>
        _storage ?? throw new ObjectDisposedException(nameof(Tensor), $"a tensor of shape {Shape} was used after its scope or step had ended");

    internal bool IsAlive => _storage is not null;

    /// <summary>Gives its memory back now, if nobody else owns it.</summary>
    public void Dispose()
    {
        _storage?.Release();
        _storage = null;
    }

    /// <summary>The same values, through which no gradient flows.</summary>
    public Tensor Detach() => Engine.NewView(this, Shape, GradSource.Detached);

    /// <summary>Copies the elements to the host. Waits for the device.</summary>
    public float[] ToArray()
    {
        RequireType(DType.F32, nameof(ToArray));
        var values = new float[Shape.Count];
        Engine.Context.Download<float>(Buffer, values);
        return values;
    }

    /// <summary>The only element of a tensor of one. Waits for the device.</summary>
    public float Item() =>
        Shape.Count == 1 ? ToArray()[0] : throw new ShapeException($"Item: a tensor of shape {Shape} has {Shape.Count} elements, one is expected");

    /// <summary>Overwrites the elements from the host.</summary>
    public void CopyFrom(ReadOnlySpan<float> values)
    {
        RequireType(DType.F32, nameof(CopyFrom));
        if (values.Length != Shape.Count)
        {
            throw new ShapeException($"CopyFrom: {values.Length} values for a tensor of shape {Shape}, which has {Shape.Count} elements");
        }

        Engine.Context.Upload(values, Buffer);
    }

    /// <inheritdoc/>
    public override string ToString() => $"Tensor {Shape} {DType}{(RequiresGrad ? ", requires grad" : "")}";

    internal void RequireType(DType type, string operation)
    {
        if (DType != type)
        {
            throw new ArgumentException($"{operation}: the tensor of shape {Shape} holds {DType}, {type} is expected");
        }
    }

    internal void RequireSameEngine(Tensor other, string operation)
    {
        if (!ReferenceEquals(Engine, other.Engine))
        {
            throw new ArgumentException($"{operation}: the operands {Shape} and {other.Shape} live in two engines");
        }
    }
}
