using SmartFrz.Kernels;
using SmartFrz.Tensors;

namespace SmartFrz.Nn;

/// <summary>Parameters that share their hyper-parameters.</summary>
/// <param name="Parameters">The parameters.</param>
/// <param name="LearningRateFactor">Their learning rate as a multiple of the schedule's.</param>
/// <param name="WeightDecay">Their weight decay.</param>
public sealed record ParameterGroup(IReadOnlyList<Parameter> Parameters, float LearningRateFactor = 1f, float WeightDecay = 0f);

/// <summary>Changes trainable parameters by their gradients. Frozen parameters are not touched: no decay, no momentum.</summary>
/// <remarks>
/// State belongs to a parameter and is made at its first update. Step counts are per parameter and stand still while it is frozen.
/// Values that change from step to step (learning rate, Adam's correction, clip scale) reach the kernels through a small device
/// buffer, never as launch arguments, so that a captured step can be replayed.
/// </remarks>
public abstract class Optimizer : IDisposable
{
    private readonly Dictionary<Parameter, OptimizerState> _states = [];

    /// <summary>An optimizer over those groups.</summary>
    protected Optimizer(IReadOnlyList<ParameterGroup> groups)
    {
        Groups = groups;
        Engine = groups.SelectMany(g => g.Parameters).First().Variable.Engine;
    }

    /// <summary>The groups.</summary>
    public IReadOnlyList<ParameterGroup> Groups { get; }

    /// <summary>The engine the parameters live in.</summary>
    protected Engine Engine { get; }

    /// <summary>The names of the state tensors of a parameter, as in <c>momentum_buffer</c>.</summary>
    public abstract IReadOnlyList<string> StateNames { get; }

    /// <summary>Updates every trainable parameter that has a gradient.</summary>
    /// <param name="learningRate">The schedule's learning rate of this step.</param>
    /// <param name="gradientScale">A factor on all gradients (clipping); 1 for none.</param>
    public void Step(float learningRate, float gradientScale = 1f)
    {
        var context = Engine.Context;
        var (layer, phase) = (context.Layer, context.Phase);
        context.Phase = Phase.Update;
        Update(learningRate, gradientScale);
        (context.Layer, context.Phase) = (layer, phase);
    }

    /// <summary>Forgets all gradients, so that the next backward pass writes instead of adding.</summary>
    public void ClearGradients()
    {
        foreach (var parameter in Groups.SelectMany(g => g.Parameters))
        {
            parameter.Variable.ClearGradient();
        }
    }

    /// <summary>The state of a parameter, or null before its first update.</summary>
    public OptimizerState? StateOf(Parameter parameter) => _states.GetValueOrDefault(parameter);

    /// <summary>The state of a parameter, made with zeros if there is none.</summary>
    public OptimizerState EnsureState(Parameter parameter)
    {
        if (!_states.TryGetValue(parameter, out var state))
        {
            var tensors = new Tensor[StateNames.Count];
            for (int i = 0; i < tensors.Length; i++)
            {
                tensors[i] = Engine.NewPersistent(parameter.Shape, DType.F32, BufferKind.OptimizerState, parameter.Variable.Layer);
                Engine.Launch(new FillKernel(tensors[i].Buffer, 0f, parameter.Shape.Count));
            }

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

    /// <summary>Launches the updates.</summary>
    protected abstract void Update(float learningRate, float gradientScale);

    /// <summary>Gives all state back.</summary>
    protected virtual void Dispose(bool disposing)
    {
        foreach (var state in _states.Values)
        {
            state.Dispose();
        }

        _states.Clear();
    }
}

/// <summary>What an optimizer keeps for one parameter.</summary>
public sealed class OptimizerState : IDisposable
{
    internal OptimizerState(Tensor[] tensors) => Tensors = tensors;

    /// <summary>The state tensors, in the order of <see cref="Optimizer.StateNames"/>.</summary>
    public IReadOnlyList<Tensor> Tensors { get; }

    /// <summary>Updates made so far.</summary>
    public long Steps { get; set; }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var tensor in Tensors)
        {
            tensor.Dispose();
        }
    }
}
