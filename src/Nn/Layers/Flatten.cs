using SmartFrz.Tensors;

namespace SmartFrz.Nn;

/// <summary>All axes from one on as a single axis.</summary>
/// <remarks>Shapes: x (N,C,H,W), y (N,C*H*W) with the default.</remarks>
public sealed class Flatten(ModuleScope scope, int firstAxis = 1) : Module(scope)
{
    /// <inheritdoc/>
    protected override Tensor Forward(Tensor input) => input.Flatten(firstAxis);
}
