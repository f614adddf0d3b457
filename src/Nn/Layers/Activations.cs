using SmartFrz.Tensors;

namespace SmartFrz.Nn;

/// <summary>max(x, 0) as a layer.</summary>
public sealed class Relu(ModuleScope scope) : Module(scope)
{
    /// <inheritdoc/>
    protected override Tensor Forward(Tensor input) => input.Relu();
}

/// <summary>min(max(x, 0), 6) as a layer.</summary>
public sealed class Relu6(ModuleScope scope) : Module(scope)
{
    /// <inheritdoc/>
    protected override Tensor Forward(Tensor input) => input.Relu6();
}

/// <summary>tanh(x) as a layer.</summary>
public sealed class Tanh(ModuleScope scope) : Module(scope)
{
    /// <inheritdoc/>
    protected override Tensor Forward(Tensor input) => input.Tanh();
}
