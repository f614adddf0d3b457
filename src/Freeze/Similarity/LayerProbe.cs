using SmartFrz.Kernels;
using SmartFrz.Nn;
using SmartFrz.Tensors;

namespace SmartFrz.Freeze;

/// <summary>
/// Compares the layers of a network in training with those of a finished reference network on fixed probe examples: the similarity
/// of each layer's output, batch by batch.
/// </summary>
/// <remarks>
/// Computes: linear, unbiased minibatch CKA of the outputs of every module that holds a weight of rank two or more.
/// The reference is run once: only its Gram matrices are kept, on the host.
/// Source: SmartFRZ (arXiv 2401.16720), labels; Nguyen, Raghu, Kornblith (arXiv 2010.15327), minibatch CKA.
/// </remarks>
public sealed class LayerProbe
{
    private readonly List<HostInput[]> _batches = [];
    private readonly Dictionary<(string Layer, int Batch), float[]> _reference = [];

    /// <summary>A probe over the first batches of a loader.</summary>
    /// <param name="loader">Unshuffled data; every batch has at least 4 examples.</param>
    /// <param name="batches">Batches taken.</param>
    public LayerProbe(IBatchSource loader, int batches)
    {
        foreach (var batch in loader.Batches(0).Take(batches))
        {
            // The batch is overwritten when the next one is asked for.
            _batches.Add([.. batch.Tensors.Select(t => t.Copy())]);
        }
    }

    /// <summary>Runs the reference network and keeps what the comparison needs.</summary>
    public void SetReference(Network reference)
    {
        _reference.Clear();
        Run(reference, (layer, batch, gram) => _reference[(layer, batch)] = gram.ToArray());
    }

    /// <summary>The similarity of each layer to the reference's, by module name.</summary>
    public IReadOnlyDictionary<string, double> Measure(Network network)
    {
        if (_reference.Count == 0)
        {
            throw new InvalidOperationException("the probe has no reference yet");
        }

        var sums = new Dictionary<string, CkaAccumulator>(StringComparer.Ordinal);
        try
        {
            Run(network, (layer, batch, gram) =>
            {
                if (!sums.TryGetValue(layer, out var sum))
                {
                    sums.Add(layer, sum = new CkaAccumulator(network.Engine));
                }

                sum.Add(gram, network.Engine.FromHost<float>(_reference[(layer, batch)], gram.Shape));
            });
            return sums.ToDictionary(s => s.Key, s => s.Value.Terms().Cka, StringComparer.Ordinal);
        }
        finally
        {
            foreach (var sum in sums.Values)
            {
                sum.Dispose();
            }
        }
    }

    private void Run(Network network, Action<string, int, Tensor> see)
    {
        var engine = network.Engine;
        bool training = network.IsTreeTraining;
        var phase = engine.Context.Phase;
        network.SetTraining(false);
        engine.Context.Phase = Phase.Freeze;
        int batch = 0;
        try
        {
            using var observation = network.Observe((module, output) =>
            {
                if (module.OwnParameters.Any(p => p.Shape.Rank >= 2))
                {
                    using (engine.BeginScope())
                    {
                        see(module.Path, batch, Similarity.LinearGram(output));
                    }
                }
            });
            foreach (var inputs in _batches)
            {
                using var staged = new StagedInputs(network, inputs);
                staged.Load(inputs);
                using (engine.NoGrad())
                using (engine.BeginStep())
                {
                    network.Call(staged.Tensors);
                }

                batch++;
            }
        }
        finally
        {
            engine.Context.Phase = phase;
            network.SetTraining(training);
        }
    }
}
