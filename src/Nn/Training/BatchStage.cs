using SmartFrz.Kernels;
using SmartFrz.Tensors;

namespace SmartFrz.Nn;

/// <summary>
/// The fixed places on the device that each step's batch is copied to: one for full batches, and one for each other shape that comes.
/// Fixed, so that a captured step can be replayed.
/// </summary>
internal sealed class BatchStage : IDisposable
{
    private readonly Network _network;
    private readonly List<(StagedInputs Inputs, StagedBatch Batch)> _places = [];

    /// <exception cref="ShapeException">The network cannot take what the source brings.</exception>
    public BatchStage(Network network, IBatchSource source)
    {
        _network = network;
        StagedInputs.Check(network, source.Inputs, "the data");
    }

    /// <summary>Copies a batch to its place.</summary>
    public StagedBatch Load(IBatch batch)
    {
        var tensors = batch.Tensors;
        int place = 0;
        while (place < _places.Count && !_places[place].Inputs.Fits(tensors))
        {
            place++;
        }

        if (place == _places.Count)
        {
            var inputs = new StagedInputs(_network, tensors);
            var targets = _network.Engine.NewPersistent(new Shape(batch.Count), DType.I32, BufferKind.Input);
            _places.Add((inputs, new StagedBatch(inputs.Tensors, targets)));
        }

        var staged = _places[place];
        staged.Inputs.Load(tensors);
        _network.Engine.Context.Upload(batch.Labels, staged.Batch.Targets.Buffer);
        return staged.Batch;
    }

    public void Dispose()
    {
        foreach (var (inputs, batch) in _places)
        {
            inputs.Dispose();
            batch.Targets.Dispose();
        }

        _places.Clear();
    }
}

/// <summary>A batch on the device.</summary>
/// <param name="Inputs">What the network takes, in its order.</param>
/// <param name="Targets">The labels, (N).</param>
internal sealed record StagedBatch(IReadOnlyList<Tensor> Inputs, Tensor Targets);
