using SmartFrz.Kernels;

namespace SmartFrz.Tensors;

/// <summary>
/// What an operation sees of the backward pass. <see cref="TryGrad"/> is the only door to gradient memory, and it answers for
/// needed inputs only, so a gradient nobody needs cannot be computed by mistake.
/// </summary>
public sealed class BackwardContext
{
    private readonly List<DeviceBuffer> _workspace = [];
    private TapeNode? _node;
    private GradTarget[] _targets = [];
    private uint _parameters;

    internal BackwardContext(Engine engine) => Engine = engine;

    /// <summary>The engine.</summary>
    public Engine Engine { get; }

    /// <summary>The gradients this operation is asked for.</summary>
    public NeedMask Need { get; private set; }

    /// <summary>The gradient of the output.</summary>
    public DeviceBuffer GradOut => Node.Gradient!.Buffer;

    /// <summary>The shape of the output.</summary>
    public Shape OutputShape => Node.OutputShape;

    /// <summary>The output, if it was saved.</summary>
    public DeviceBuffer SavedOutput => Node.SavedOutput?.Buffer ?? throw NotSaved("its output");

    private TapeNode Node => _node!;

    /// <summary>The shape of an input.</summary>
    public Shape InputShape(int input) => Node.Inputs[input].Shape;

    /// <summary>An input, if it was saved.</summary>
    public DeviceBuffer Saved(int input) => Node.SavedInput(input)?.Buffer ?? throw NotSaved($"input {input}");

    /// <summary>An extra tensor of the forward pass, if it was saved.</summary>
    public DeviceBuffer Extra(int extra) => Node.SavedExtra(extra)?.Buffer ?? throw NotSaved($"extra tensor {extra}");

    /// <summary>Memory for the gradient of that input, when it is needed; launches after it are booked on that gradient.</summary>
    public bool TryGrad(int input, out GradTarget target)
    {
        if (!Need.Has(input))
        {
            target = default;
            return false;
        }

        target = _targets[input];
        Engine.Context.Phase = (_parameters >> input & 1) != 0 ? Phase.BackwardWeight : Phase.BackwardInput;
        return true;
    }

    /// <summary>Books the launches that follow on what several gradients share (see <see cref="BackwardEstimate.AddShared"/>).</summary>
    public void BeginShared() =>
        Engine.Context.Phase = (Need.Bits & ~_parameters) == 0 ? Phase.BackwardWeight : Phase.BackwardInput;

    /// <summary>Scratch memory until this operation is done; its content is undefined.</summary>
    public DeviceBuffer Workspace(long bytes)
    {
        var buffer = Engine.Context.Rent(bytes, BufferKind.Workspace);
        _workspace.Add(buffer);
        return buffer;
    }

    /// <summary>Runs a kernel.</summary>
    public void Launch<TKernel>(in TKernel kernel)
        where TKernel : struct, IKernel
        => Engine.Context.Launch(in kernel);

    /// <summary>Runs one step of a plan.</summary>
    internal void Run(PlanStep step)
    {
        var node = _node = step.Node;
        var context = Engine.Context;
        context.Layer = node.Layer;
        Need = step.OfOp;
        if (_targets.Length < node.Inputs.Length)
        {
            _targets = new GradTarget[node.Inputs.Length];
        }

        _parameters = 0;
        for (int input = 0; input < node.Inputs.Length; input++)
        {
            if (node.Inputs[input].Source.Variable is not null)
            {
                _parameters |= 1u << input;
            }

            Prepare(input, step.Actions[input]);
        }

        if (!Need.IsEmpty)
        {
            Rebuild(node);
            node.Op.Backward(this);
        }

        foreach (var buffer in _workspace)
        {
            context.Return(buffer);
        }

        _workspace.Clear();
        node.Release();
        _node = null;
    }

    // What the node will read and was given back; the planner announces the same.
    private void Rebuild(TapeNode node)
    {
        var saves = node.Op.Saves(Need);
        for (int input = 0; input < node.Inputs.Length; input++)
        {
            if (node.MakerOf(input) is { } maker && saves.HasInput(input))
            {
                var storage = node.SavedInput(input)!;
                BeginShared();
                storage.Restore(Engine.Context.Rent(maker.OutputShape.Count * sizeof(float), BufferKind.SavedActivation));
                _node = maker;
                maker.Op.Rebuild(this, storage.Buffer);
                _node = node;
            }
        }
    }

    private void Prepare(int input, GradAction action)
    {
        if (action == GradAction.Skip)
        {
            return;
        }

        var (shape, source) = Node.Inputs[input];
        bool parameter = source.Variable is not null;
        Engine.Context.Phase = parameter ? Phase.BackwardWeight : Phase.BackwardInput;
        if (action == GradAction.Share)
        {
            source.Node!.Gradient = Node.Gradient!.Share();
            return;
        }

        bool fresh = action is GradAction.Write or GradAction.PassCopy;
        if (action is GradAction.CopyThenAdd or GradAction.PassCopyThenAdd)
        {
            var shared = source.Node!.Gradient!;
            var own = Engine.NewStorage(shape.Count * sizeof(float));
            Engine.Context.Launch(new UnaryKernel<CopyOp>(default, shared.Buffer, own.Buffer, shape.Count));
            shared.Release();
            source.Node.Gradient = own;
        }
        else if (fresh && !parameter)
        {
            source.Node!.Gradient = Engine.NewStorage(shape.Count * sizeof(float));
        }

        var buffer = parameter ? source.Variable!.GradientForWriting() : source.Node!.Gradient!.Buffer;
        if (action is GradAction.PassCopy or GradAction.PassAdd or GradAction.PassCopyThenAdd)
        {
            Engine.Context.Launch(new UnaryKernel<CopyOp>(default, GradOut, buffer, shape.Count, accumulate: !fresh));
        }
        else
        {
            _targets[input] = new GradTarget(buffer, !fresh);
        }
    }

    private InvalidOperationException NotSaved(string what) =>
        new($"{Node.Op.Name} reads {what} in its backward pass but did not declare it in Saves for this mask");
}
