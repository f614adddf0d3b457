using SmartFrz.Tensors;

namespace SmartFrz.Nn;

/// <summary>The largest element of each window, as <see cref="Tensor.MaxPool2d"/>.</summary>
public sealed class MaxPool2d(ModuleScope scope, int kernel, int? stride = null, int padding = 0) : Module(scope)
{
    /// <inheritdoc/>
    protected override Tensor Forward(Tensor input) => input.MaxPool2d(kernel, stride, padding);
}

/// <summary>The average of each window, as <see cref="Tensor.AvgPool2d"/>.</summary>
public sealed class AvgPool2d(ModuleScope scope, int kernel, int? stride = null, int padding = 0) : Module(scope)
{
    /// <inheritdoc/>
    protected override Tensor Forward(Tensor input) => input.AvgPool2d(kernel, stride, padding);
}

/// <summary>Averages over windows that make an output of a fixed size, as <see cref="Tensor.AdaptiveAvgPool2d"/>.</summary>
public sealed class AdaptiveAvgPool2d(ModuleScope scope, int height, int width) : Module(scope)
{
    /// <inheritdoc/>
    protected override Tensor Forward(Tensor input) => input.AdaptiveAvgPool2d(height, width);
}
