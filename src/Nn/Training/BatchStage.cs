using SmartFrz.Kernels;
using SmartFrz.Nn.Data;
using SmartFrz.Tensors;

namespace SmartFrz.Nn;

/// <summary>
/// The fixed places on the device that each step's batch is copied to: one for full batches and, where an epoch keeps its last one,
/// one for that size. Fixed, so that a captured step can be replayed.
/// </summary>
internal sealed class BatchStage(Network network, BatchLoader loader) : IDisposable
{
    private readonly Shape _image = ImageShape(network, loader.Data);
    private readonly Dictionary<int, StagedBatch> _places = [];

    /// <summary>Copies a batch to its place.</summary>
    public StagedBatch Load(HostBatch batch)
    {
        var engine = network.Engine;
        if (!_places.TryGetValue(batch.Count, out var place))
        {
            // Inputs stay where they are whether a layer saves them or not: they are no saved activations.
            place = new StagedBatch(
                engine.NewPersistent(new Shape(batch.Count, _image[0], _image[1], _image[2]), DType.F32, BufferKind.Input),
                engine.NewPersistent(new Shape(batch.Count), DType.I32, BufferKind.Input));
            _places.Add(batch.Count, place);
        }

        engine.Context.Upload(batch.Inputs, place.Inputs.Buffer);
        engine.Context.Upload(batch.Labels, place.Targets.Buffer);
        return place;
    }

    public void Dispose()
    {
        foreach (var place in _places.Values)
        {
            place.Inputs.Dispose();
            place.Targets.Dispose();
        }

        _places.Clear();
    }

    // Convolutions take images of any size; what does not fit there is told by the layer that it does not fit.
    private static Shape ImageShape(Network network, IImageDataset data) =>
        data.Channels == network.InputShape[0]
            ? new Shape(data.Channels, data.Height, data.Width)
            : throw new ShapeException($"the data has {data.Channels} channels, {network.Name} expects {network.InputShape[0]}");
}

/// <summary>A batch on the device.</summary>
/// <param name="Inputs">The images, (N,C,H,W).</param>
/// <param name="Targets">Their labels, (N).</param>
internal sealed record StagedBatch(Tensor Inputs, Tensor Targets);
