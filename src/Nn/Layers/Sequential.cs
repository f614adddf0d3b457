using System.Globalization;
using SmartFrz.Tensors;

namespace SmartFrz.Nn;

/// <summary>Layers one after another, named 0, 1, 2, … as in PyTorch.</summary>
public sealed class Sequential : Module
{
    /// <summary>A chain of layers.</summary>
    /// <param name="scope">Its scope.</param>
    /// <param name="layers">Makes each layer in the scope of its number.</param>
    public Sequential(ModuleScope scope, params ReadOnlySpan<Func<ModuleScope, Module>> layers)
        : base(scope)
    {
        foreach (var layer in layers)
        {
            Add(layer(scope.Child(Children.Count.ToString(CultureInfo.InvariantCulture))));
        }
    }

    /// <inheritdoc/>
    protected override Tensor Forward(Tensor input)
    {
        var x = input;
        foreach (var layer in Children)
        {
            // The layer has its own share of what it needs: without this a frozen chain would hold every output to the end.
            var before = x;
            x = layer.Call(x);
            if (!ReferenceEquals(before, input) && !ReferenceEquals(before, x))
            {
                before.Dispose();
            }
        }

        return x;
    }
}
