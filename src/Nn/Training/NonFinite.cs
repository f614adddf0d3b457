using SmartFrz.Kernels;
using SmartFrz.Tensors;

namespace SmartFrz.Nn;

/// <summary>Looks for the place where numbers stopped being numbers, once a run has failed: it may take its time.</summary>
internal static class NonFinite
{
    /// <summary>Why the loss of a batch is not finite, as a clause of a sentence.</summary>
    public static string Explain(Network network, StagedBatch batch)
    {
        var context = network.Engine.Context;
        var labels = new int[batch.Targets.Shape.Count];
        context.Download<int>(batch.Targets.Buffer, labels);
        int wrong = Array.FindIndex(labels, l => l < 0 || l >= network.NumClasses);
        if (wrong >= 0)
        {
            return $"label {labels[wrong]} is none of the {network.NumClasses} classes of {network.Name}";
        }

        if (batch.Inputs.Any(i => i.DType == DType.F32 && IsIn(context, i.Buffer)))
        {
            return "the batch itself holds values that are not finite";
        }

        if (network.Parameters().FirstOrDefault(p => IsIn(context, p.Value.Buffer)) is { } parameter)
        {
            return $"the first weights that are not finite are {parameter.Name}";
        }

        return FirstOutput(network, batch.Inputs) is { } module
            ? $"the first output that is not finite is that of {(module.Path.Length == 0 ? network.Name : module.Path)}"
            : "all weights and outputs are finite";
    }

    /// <summary>The name of the parameter nearest to the loss whose gradient is not finite, or null.</summary>
    public static string? LastGradient(Network network) =>
        network.Parameters().LastOrDefault(p => p.Variable.HasGradient && IsIn(network.Engine.Context, p.Variable.Gradient))?.Name;

    /// <summary>Whether a host array holds a value that is not finite.</summary>
    public static bool IsIn(ReadOnlySpan<float> values)
    {
        foreach (float value in values)
        {
            if (!float.IsFinite(value))
            {
                return true;
            }
        }

        return false;
    }

    private static bool IsIn(DeviceContext context, DeviceBuffer buffer)
    {
        var values = new float[buffer.Bytes / sizeof(float)];
        context.Download<float>(buffer, values);
        return IsIn(values);
    }

    // Children are shown before the module they are in, so the first one found is the innermost.
    private static Module? FirstOutput(Network network, IReadOnlyList<Tensor> inputs)
    {
        Module? first = null;
        using (network.Observe((module, output) => first ??= IsIn(network.Engine.Context, output.Buffer) ? module : null))
        using (network.Engine.NoGrad())
        using (network.Engine.BeginStep())
        {
            network.Call(inputs);
        }

        return first;
    }
}
