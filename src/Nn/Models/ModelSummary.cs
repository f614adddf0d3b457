using SmartFrz.Kernels;
using SmartFrz.Tensors;

namespace SmartFrz.Nn;

/// <summary>Sizes of a part of a network, for one example.</summary>
public sealed record PartSummary
{
    /// <summary>The unit's name, or the layer's dotted name.</summary>
    public required string Name { get; init; }

    /// <summary>The modules it consists of, as dotted names.</summary>
    public required IReadOnlyList<string> Prefixes { get; init; }

    /// <summary>Numbers that training changes by gradients.</summary>
    public required long Parameters { get; init; }

    /// <summary>Those of them that are not frozen.</summary>
    public required long TrainableParameters { get; init; }

    /// <summary>Multiplications with additions in convolutions, products and attention of the forward pass.</summary>
    public required long MultiplyAdds { get; init; }

    /// <summary>Bytes of its layers' outputs.</summary>
    public required long ActivationBytes { get; init; }

    /// <summary>Whether none of its parameters is trained.</summary>
    public bool IsFrozen => TrainableParameters == 0;
}

/// <summary>What a network consists of and what one example costs it.</summary>
/// <param name="Layers">Its layers: the modules that have parameters of their own.</param>
/// <param name="Units">Its freezable units.</param>
/// <param name="Total">The whole network.</param>
public sealed record ModelSummary(IReadOnlyList<PartSummary> Layers, IReadOnlyList<PartSummary> Units, PartSummary Total)
{
    /// <summary>
    /// Runs one example of zeros through the network in evaluation mode and reads the ledger. Nothing in the network changes; the
    /// launches are booked as <see cref="Phase.Data"/>.
    /// </summary>
    /// <param name="network">The network.</param>
    /// <param name="input">The shape of an example; null for the network's own.</param>
    public static ModelSummary Of(Network network, Shape? input = null)
    {
        var (launches, outputs) = Observe(network, input ?? network.InputShape);
        PartSummary Part(string name, IReadOnlyList<string> prefixes)
        {
            bool Within(string path) => prefixes.Any(p => DottedName.IsWithin(path, p));
            var parameters = network.Parameters().Where(p => Within(p.Name)).ToList();
            return new PartSummary
            {
                Name = name,
                Prefixes = prefixes,
                Parameters = parameters.Sum(p => p.Shape.Count),
                TrainableParameters = parameters.Where(p => !p.IsFrozen).Sum(p => p.Shape.Count),
                MultiplyAdds = launches.Where(l => Within(l.Path)).Sum(l => l.Flops) / 2,
                ActivationBytes = outputs.Where(o => Within(o.Path)).Sum(o => o.Bytes),
            };
        }

        return new ModelSummary(
            [.. network.Modules().Where(m => m.OwnParameters.Count > 0).Select(m => Part(m.Path, m.Prefixes))],
            [.. network.Units.Select(u => Part(u.Name, u.Prefixes))],
            Part(network.Name, [""]));
    }

    private static bool Multiplies(string kernel) =>
        kernel == Conv2dForward.Name || kernel == GemmKernel.Name || kernel == AttentionKernel.Name;

    private static Tensor Zeros(Engine engine, DType type, Shape shape) =>
        type == DType.I32 ? engine.FromHost<int>(new int[shape.Count], shape) : engine.FromHost<float>(new float[shape.Count], shape);

    private static (List<(string Path, long Flops)> Launches, List<(string Path, long Bytes)> Outputs) Observe(Network network, Shape input)
    {
        var engine = network.Engine;
        var context = engine.Context;
        var ledger = context.Launches;
        var (phase, trace, training) = (context.Phase, ledger.Trace, network.IsTreeTraining);
        var launches = new List<LaunchRecord>();
        var outputs = new List<(string, long)>();
        ledger.Trace = launches;
        context.Phase = Phase.Data;
        network.SetTraining(false);
        try
        {
            using var subscription = network.Observe((module, output) =>
            {
                if (module.OwnParameters.Count > 0)
                {
                    outputs.Add((module.Path, output.Shape.Count * output.DType.Size()));
                }
            });
            using (engine.NoGrad())
            using (engine.BeginStep())
            {
                var shape = new Shape([1, .. input.ToArray()]);
                network.Call([.. network.Inputs.Select(spec => Zeros(engine, spec.DType, shape))]);
            }
        }
        finally
        {
            (context.Phase, ledger.Trace) = (phase, trace);
            network.SetTraining(training);
        }

        return (
            [.. launches.Where(l => Multiplies(l.Kernel)).Select(l => (ledger.NameOf(l.Layer), l.Cost.Flops))],
            outputs);
    }
}
