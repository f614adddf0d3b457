using SmartFrz.Kernels;
using SmartFrz.Tensors;

namespace SmartFrz.Nn;

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

/// <summary>One parameter's update in a step.</summary>
/// <param name="Group">The group it is in.</param>
/// <param name="Parameter">The parameter; it has a gradient.</param>
/// <param name="State">Its state; <see cref="OptimizerState.Steps"/> counts this update already.</param>
/// <param name="StepBlock">The buffer with this step's numbers: [0] the learning rate, [1] the scale of the gradients.</param>
/// <param name="Slot">Where the parameter's own numbers begin in it.</param>
public readonly record struct ParameterUpdate(ParameterGroup Group, Parameter Parameter, OptimizerState State, DeviceBuffer StepBlock, int Slot);
