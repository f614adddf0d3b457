using SmartFrz.Kernels;
using SmartFrz.Nn.Options;
using SmartFrz.Tensors;

namespace SmartFrz.Nn;

/// <summary>Changes trainable parameters by their gradients. Frozen parameters are not touched: no decay, no momentum.</summary>
/// <remarks>
/// State belongs to a parameter and is made at its first update. Step counts are per parameter and stand still while it is frozen.
/// Values that change from step to step (learning rate, Adam's correction, clip scale) reach the kernels through a small device
/// buffer, never as launch arguments, so that a captured step can be replayed.
/// </remarks>
public abstract class Optimizer : IDisposable
{
    private readonly Dictionary<Parameter, OptimizerState> _states = [];
    private readonly List<ParameterUpdate> _updates = [];
    private StepBlock? _block;

    /// <summary>An optimizer over those groups.</summary>
    /// <exception cref="ArgumentException">There is no parameter, or one is in two places.</exception>
    protected Optimizer(IReadOnlyList<ParameterGroup> groups)
    {
        var seen = new HashSet<Parameter>();
        foreach (var parameter in groups.SelectMany(g => g.Parameters))
        {
            if (!seen.Add(parameter))
            {
                throw new ArgumentException($"optimizer: parameter {parameter.Name} is given twice, it would be updated twice a step");
            }
        }

        Groups = groups;
        Engine = seen.FirstOrDefault()?.Variable.Engine ?? throw new ArgumentException("optimizer: the groups hold no parameter");
        _updates.EnsureCapacity(seen.Count);
    }

    /// <summary>The groups.</summary>
    public IReadOnlyList<ParameterGroup> Groups { get; }

    /// <summary>The names of the state tensors of a parameter, as in <c>momentum_buffer</c>.</summary>
    public abstract IReadOnlyList<string> StateNames { get; }

    /// <summary>The engine the parameters live in.</summary>
    protected Engine Engine { get; }

    /// <summary>How many numbers of its own each parameter has in the step block.</summary>
    protected virtual int StepValues => 0;

    /// <summary>Updates every trainable parameter that has a gradient.</summary>
    /// <param name="learningRate">The schedule's learning rate of this step.</param>
    /// <param name="gradientScale">A factor on all gradients (clipping); 1 for none.</param>
    public void Step(float learningRate, float gradientScale = 1f) => Step(learningRate, gradientScale, null, 0f);

    /// <summary>As <see cref="Step(float, float)"/>, with all gradients scaled down where their norm exceeds a limit. Does not wait for the device.</summary>
    /// <param name="learningRate">The schedule's learning rate of this step.</param>
    /// <param name="norm">The norm of these gradients, computed just before.</param>
    /// <param name="limit">The largest norm.</param>
    /// <remarks>Computes: a scale of min(1, limit / (norm + 1e-6)). Source: PyTorch's <c>clip_grad_norm_</c>.</remarks>
    public void Step(float learningRate, GradientNorm norm, float limit) => Step(learningRate, 1f, norm, limit);

    /// <summary>Forgets all gradients, so that the next backward pass writes instead of adding.</summary>
    public void ClearGradients()
    {
        for (int g = 0; g < Groups.Count; g++)
        {
            var parameters = Groups[g].Parameters;
            for (int p = 0; p < parameters.Count; p++)
            {
                parameters[p].Variable.ClearGradient();
            }
        }
    }

    /// <summary>The state of a parameter, or null before its first update.</summary>
    public OptimizerState? StateOf(Parameter parameter) => _states.GetValueOrDefault(parameter);

    /// <summary>The state of a parameter, made with zeros if there is none.</summary>
    public OptimizerState EnsureState(Parameter parameter)
    {
        if (!_states.TryGetValue(parameter, out var state))
        {
            var context = Engine.Context;
            var (layer, phase) = (context.Layer, context.Phase);
            (context.Layer, context.Phase) = (parameter.Variable.Layer, Phase.Update);
            var tensors = new Tensor[StateNames.Count];
            for (int i = 0; i < tensors.Length; i++)
            {
                tensors[i] = Engine.NewPersistent(parameter.Shape, DType.F32, BufferKind.OptimizerState, parameter.Variable.Layer);
                Engine.Launch(new FillKernel(tensors[i].Buffer, 0f, parameter.Shape.Count));
            }

            (context.Layer, context.Phase) = (layer, phase);
            _states.Add(parameter, state = new OptimizerState(tensors));
        }

        return state;
    }

    /// <summary>Gives the state of a parameter back: it is frozen for good.</summary>
    public void ReleaseState(Parameter parameter)
    {
        if (_states.Remove(parameter, out var state))
        {
            state.Dispose();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>One group of all parameters of a module.</summary>
    protected static IReadOnlyList<ParameterGroup> AllOf(Module module, float weightDecay) =>
        [new ParameterGroup([.. module.Parameters()], 1f, weightDecay)];

    /// <summary>Complains about a number outside [from, below).</summary>
    /// <exception cref="OptionException">It is outside, or not a number.</exception>
    protected static void RequireWithin(string optimizer, string name, double value, double from, double below)
    {
        if (!(value >= from && value < below))
        {
            string range = FormattableString.Invariant(double.IsPositiveInfinity(below) ? $"of at least {from}" : (FormattableString)$"from {from} to below {below}");
            throw new OptionException(FormattableString.Invariant($"{optimizer}: {name} is {value}, expected a number {range}"));
        }
    }

    /// <summary>Writes a parameter's own numbers for the update that it has counted as <paramref name="step"/> (from 1).</summary>
    protected virtual void WriteStepValues(ParameterGroup group, long step, Span<float> values)
    {
    }

    /// <summary>Launches one parameter's update.</summary>
    protected abstract void Launch(in ParameterUpdate update);

    /// <summary>Gives all state back.</summary>
    protected virtual void Dispose(bool disposing)
    {
        if (disposing)
        {
            foreach (var state in _states.Values)
            {
                state.Dispose();
            }

            _states.Clear();
            _block?.Dispose();
            _block = null;
        }
    }

    private void Step(float learningRate, float gradientScale, GradientNorm? norm, float limit)
    {
        _block ??= new StepBlock(Engine, StepValues * Groups.Sum(g => g.Parameters.Count));
        _block.Begin(learningRate, gradientScale);
        _updates.Clear();
        for (int g = 0; g < Groups.Count; g++)
        {
            var group = Groups[g];
            for (int p = 0; p < group.Parameters.Count; p++)
            {
                var parameter = group.Parameters[p];
                if (!parameter.IsFrozen && parameter.Variable.HasGradient)
                {
                    var state = EnsureState(parameter);
                    state.Steps++;
                    WriteStepValues(group, state.Steps, _block.Reserve(StepValues, out int slot));
                    _updates.Add(new ParameterUpdate(group, parameter, state, _block.Buffer, slot));
                }
            }
        }

        _block.Upload();
        var context = Engine.Context;
        var (layer, phase) = (context.Layer, context.Phase);
        context.Phase = Phase.Update;
        if (norm is not null)
        {
            Engine.Launch(new ClipScaleKernel(norm.Value, limit, _block.Buffer, StepBlock.GradientScale));
        }

        foreach (var update in _updates)
        {
            context.Layer = update.Parameter.Variable.Layer;
            Launch(in update);
        }

        (context.Layer, context.Phase) = (layer, phase);
    }
}
