using System.Runtime.InteropServices;
using SmartFrz.Kernels;

namespace SmartFrz.Tensors;

/// <summary>
/// Everything one computation owns: its device context (memory, ledgers, stream), its tape and its scopes. Several engines live
/// side by side on one device. Belongs to one thread at a time.
/// </summary>
public sealed class Engine : IDisposable
{
    private readonly List<Tensor> _scoped = [];
    private readonly Tape _tape = new();
    private readonly PlanCache _plans = new();
    private readonly StoragePool _storages;
    private readonly BackwardContext _backward;
    private readonly bool _ownsContext;
    private TapeInput[] _operands = [];

    /// <summary>An engine on a device, with ledgers of its own.</summary>
    public Engine(Device device)
        : this(device.CreateContext())
    {
    }

    /// <summary>An engine on a context, which it disposes with itself.</summary>
    public Engine(DeviceContext context)
    {
        Context = context;
        _ownsContext = true;
        _storages = new StoragePool(context);
        _backward = new BackwardContext(this);
    }

    /// <summary>Memory, ledgers and launches.</summary>
    public DeviceContext Context { get; }

    /// <summary>Whether operations are recorded for a backward pass.</summary>
    public bool GradEnabled { get; private set; } = true;

    /// <summary>
    /// Whether activations that only the backward pass still wants are given back where one launch computes them again from what is kept
    /// in any case (normalised ones from what was normalised): about a quarter of a residual network's memory for a few per cent of its time.
    /// </summary>
    public bool RebuildsActivations { get; set; } = true;

    /// <summary>The plan of the last backward pass.</summary>
    public BackwardPlan? LastPlan { get; private set; }

    /// <summary>
    /// The number of the current step: random numbers (dropout) are keyed by it. Each <see cref="BeginStep"/> raises it by one; set it
    /// before a step to draw that step's numbers again.
    /// </summary>
    public long StepNumber { get; set; }

    /// <summary>Operations recorded since the step began.</summary>
    public int TapeLength => _tape.Count;

    /// <summary>
    /// A second engine on the same device that books its work and memory in this engine's ledgers, all of it as one phase. Its launches
    /// keep their order among this engine's, so that it may read this engine's tensors. It must be disposed first.
    /// </summary>
    public Engine CreateSibling(Phase bookAs) => new(Context.CreateSibling(bookAs));

    /// <summary>A new tensor of the current scope; its content is undefined.</summary>
    public Tensor NewTensor(Shape shape, DType type = DType.F32)
    {
        var tensor = new Tensor(this, shape, type, NewStorage(shape.Count * type.Size()), GradSource.Data);
        _scoped.Add(tensor);
        return tensor;
    }

    /// <summary>Input data of the current scope.</summary>
    public Tensor FromHost<T>(ReadOnlySpan<T> values, Shape shape)
        where T : unmanaged
    {
        var type = typeof(T) == typeof(float) ? DType.F32
            : typeof(T) == typeof(int) ? DType.I32
            : typeof(T) == typeof(long) ? DType.I64
            : typeof(T) == typeof(byte) ? DType.U8
            : throw new ArgumentException($"FromHost: elements of {typeof(T).Name}, expected float, int, long or byte");
        if (values.Length != shape.Count)
        {
            throw new ShapeException($"FromHost: {values.Length} values for shape {shape}, which has {shape.Count} elements");
        }

        var tensor = NewTensor(shape, type);
        Context.Upload(values, tensor.Buffer);
        return tensor;
    }

    /// <summary>A tensor that lives until it is disposed; its content is undefined.</summary>
    public Tensor NewPersistent(Shape shape, DType type, BufferKind kind, LayerId layer = default) =>
        NewPersistent(shape, type, kind, layer, GradSource.Data);

    /// <summary>Runs a kernel.</summary>
    public void Launch<TKernel>(in TKernel kernel)
        where TKernel : struct, IKernel
        => Context.Launch(in kernel);

    /// <summary>Which of these operands need a gradient.</summary>
    public NeedMask Need(params ReadOnlySpan<Tensor?> inputs)
    {
        var need = NeedMask.None;
        if (GradEnabled)
        {
            for (int i = 0; i < inputs.Length; i++)
            {
                if (inputs[i] is { } input && input.Source.NeedsGradient)
                {
                    need = need.With(i);
                }
            }
        }

        return need;
    }

    /// <summary>
    /// The operation of that description. If the last step recorded an equal one at this place it is taken again, so that deep networks
    /// do not allocate one for each layer and step.
    /// </summary>
    internal TOp OpOf<TKey, TOp>(TKey key, Func<TKey, TOp> make, Func<TOp, TKey> keyOf)
        where TKey : IEquatable<TKey>
        where TOp : Op
    {
        return _tape.NextOp is TOp a && keyOf(a).Equals(key) ? a
            : _tape.NextSkippedOp is TOp b && keyOf(b).Equals(key) ? b
            : make(key);
    }

    /// <summary>
    /// Puts an operation that has just run on the tape, if one of its inputs needs a gradient; otherwise leaves a skip record.
    /// </summary>
    /// <param name="op">The operation.</param>
    /// <param name="output">Its output.</param>
    /// <param name="inputs">Its differentiable operands, in the order of its mask; null for an absent one.</param>
    /// <param name="extras">What else the forward pass made or used that the backward pass may want.</param>
    /// <returns>The output.</returns>
    public Tensor Record(Op op, Tensor output, ReadOnlySpan<Tensor?> inputs, ReadOnlySpan<Tensor?> extras = default)
    {
        if (NodeOf(op, output, inputs) is not { } node)
        {
            return output;
        }

        var saves = op.Saves(node.Need);
        for (int i = 0; i < extras.Length; i++)
        {
            if (saves.HasExtra(i) && extras[i] is { } extra)
            {
                node.SaveExtra(i, Keep(extra.Storage).Share());
            }
        }

        return output;
    }

    /// <summary>As <see cref="Record(Op, Tensor, ReadOnlySpan{Tensor?}, ReadOnlySpan{Tensor?})"/>; the extras are memory that nobody sees as a tensor.</summary>
    internal Tensor RecordWithMemory(Op op, Tensor output, ReadOnlySpan<Tensor?> inputs, ReadOnlySpan<Storage> extras)
    {
        if (NodeOf(op, output, inputs) is not { } node)
        {
            return output;
        }

        var saves = op.Saves(node.Need);
        for (int i = 0; i < extras.Length; i++)
        {
            if (saves.HasExtra(i))
            {
                node.SaveExtra(i, Keep(extras[i]).Share());
            }
        }

        return output;
    }

    /// <summary>
    /// Computes the gradient of a scalar with respect to every trainable variable it depends on. The tape is used up.
    /// </summary>
    /// <exception cref="InvalidOperationException">Nothing trainable is below the loss.</exception>
    public void Backward(Tensor loss)
    {
        if (loss.Shape.Count != 1)
        {
            throw new ShapeException($"Backward: the loss has shape {loss.Shape}, a single element is expected");
        }

        Backward(loss, seed: null);
    }

    /// <summary>As <see cref="Backward(Tensor)"/> from any tensor, given its own gradient.</summary>
    public void Backward(Tensor output, Tensor? seed)
    {
        var node = output.Source.Node
            ?? throw new InvalidOperationException("Backward: nothing below this tensor is trainable; every parameter it depends on is frozen or detached, or its tape has been used up by an earlier backward pass");
        if (seed is not null && seed.Shape != output.Shape)
        {
            throw new ShapeException($"Backward: the output has shape {output.Shape}, its gradient {seed.Shape}");
        }

        long count = output.Shape.Count;
        var (layer, phase) = (Context.Layer, Context.Phase);
        Context.Phase = Phase.BackwardInput;
        node.Gradient = NewStorage(count * sizeof(float));
        var cost = seed is null ? new FillKernel(default, 1f, count).Cost : new UnaryKernel<CopyOp>(default, default, default, count).Cost;
        var plan = _plans.For(_tape, node, new LaunchTotals(1, cost.Flops, cost.Bytes, 0));
        if (seed is null)
        {
            Launch(new FillKernel(node.Gradient.Buffer, 1f, count));
        }
        else
        {
            Launch(new UnaryKernel<CopyOp>(default, seed.Buffer, node.Gradient.Buffer, count));
        }

        foreach (var step in plan.Steps)
        {
            _backward.Run(step);
        }

        _tape.Clear();
        LastPlan = plan;
        (Context.Layer, Context.Phase) = (layer, phase);
    }

    /// <summary>Operations inside leave no trace on the tape.</summary>
    public GradMode NoGrad()
    {
        bool before = GradEnabled;
        GradEnabled = false;
        return new GradMode(this, before);
    }

    /// <summary>Tensors made from now on are gone when the scope ends, but for those handed on.</summary>
    public TensorScope BeginScope() => new(this, _scoped.Count);

    /// <summary>A scope that also empties the tape when it ends.</summary>
    public StepScope BeginStep()
    {
        StepNumber++;
        return new StepScope(this, BeginScope());
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _tape.Clear();
        EndScope(0, null);
        if (_ownsContext)
        {
            Context.Dispose();
        }
    }

    internal Tensor NewPersistent(Shape shape, DType type, BufferKind kind, LayerId layer, GradSource source)
    {
        var before = Context.Layer;
        Context.Layer = layer;
        var storage = _storages.Rent(shape.Count * type.Size(), kind);
        Context.Layer = before;
        return new Tensor(this, shape, type, storage, source);
    }

    internal Storage NewStorage(long bytes) => _storages.Rent(bytes, BufferKind.Workspace);

    internal Tensor NewView(Tensor tensor, Shape shape, GradSource source)
    {
        var view = new Tensor(this, shape, tensor.DType, tensor.Storage.Share(), source) { Layout = tensor.Layout };
        _scoped.Add(view);
        return view;
    }

    internal void EndScope(int mark, Tensor? keep)
    {
        bool kept = false;
        for (int i = _scoped.Count - 1; i >= mark; i--)
        {
            if (ReferenceEquals(_scoped[i], keep))
            {
                kept = true;
            }
            else
            {
                _scoped[i].Dispose();
            }
        }

        CollectionsMarshal.SetCount(_scoped, Math.Min(_scoped.Count, mark));
        if (kept)
        {
            _scoped.Add(keep!);
        }
    }

    internal void ClearTape() => _tape.Clear();

    private ReadOnlySpan<TapeInput> Operands(ReadOnlySpan<Tensor?> inputs)
    {
        if (_operands.Length < inputs.Length)
        {
            _operands = new TapeInput[inputs.Length];
        }

        for (int i = 0; i < inputs.Length; i++)
        {
            _operands[i] = inputs[i] is { } input ? new TapeInput(input.Shape, input.Source) : new TapeInput(default, GradSource.Data);
        }

        return _operands.AsSpan(0, inputs.Length);
    }

    // The node of an operation, with its inputs and output saved; null when no gradient flows through it.
    private TapeNode? NodeOf(Op op, Tensor output, ReadOnlySpan<Tensor?> inputs)
    {
        if (!GradEnabled)
        {
            output.Source = GradSource.Detached;
            return null;
        }

        var need = Need(inputs);
        var operands = Operands(inputs);
        if (need.IsEmpty)
        {
            _tape.Skip(op, Context.Layer, operands);
            output.Source = GradSource.NothingTrainable;
            return null;
        }

        var node = _tape.Add(op, Context.Layer, need, operands, output.Shape);
        var saves = op.Saves(need);
        for (int i = 0; i < inputs.Length; i++)
        {
            if (saves.HasInput(i) && inputs[i] is { } input)
            {
                node.SaveInput(i, Keep(input.Storage).SaveInput());
            }
        }

        node.SavedOutput = saves.HasOutput ? Keep(output.Storage).Share() : null;
        output.Storage.Maker = RebuildsActivations && op.RebuildsOutput(need) ? node : null;
        output.Source = GradSource.Of(node);
        return node;
    }

    // Booked as what the tape keeps.
    private Storage Keep(Storage storage)
    {
        if (storage.Buffer.Kind == BufferKind.Workspace)
        {
            Context.Reclassify(storage.Buffer, BufferKind.SavedActivation, Context.Layer);
        }

        return storage;
    }

    /// <summary>Restores the recording mode when disposed.</summary>
    public readonly struct GradMode : IDisposable
    {
        private readonly Engine _engine;
        private readonly bool _before;

        internal GradMode(Engine engine, bool before) => (_engine, _before) = (engine, before);

        /// <inheritdoc/>
        public void Dispose() => _engine.GradEnabled = _before;
    }
}
