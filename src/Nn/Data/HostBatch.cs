using SmartFrz.Tensors;

namespace SmartFrz.Nn.Data;

/// <summary>A batch on the host. It belongs to the loader and is overwritten once the next one was asked for.</summary>
public sealed class HostBatch : IBatch
{
    private readonly Shape _image;
    private readonly HostInput[] _tensors = new HostInput[1];

    internal HostBatch(int size, Shape image)
    {
        int valuesPerImage = (int)image.Count;
        _image = image;
        Storage = new float[size * valuesPerImage];
        LabelStorage = new int[size];
        IdStorage = new int[size];
        KeyStorage = new ulong[size];
        ValuesPerImage = valuesPerImage;
    }

    /// <summary>Images in this batch; less than asked for at the end of an epoch that keeps its last one.</summary>
    public int Count { get; internal set; }

    /// <inheritdoc/>
    public IReadOnlyList<HostInput> Tensors
    {
        get
        {
            if (_tensors[0].Name is null || _tensors[0].Shape[0] != Count)
            {
                _tensors[0] = new HostInput(InputSpec.Image, new Shape(Count, _image[0], _image[1], _image[2]), Storage.AsMemory(0, Count * ValuesPerImage));
            }

            return _tensors;
        }
    }

    /// <summary>Normalised pixels, (N,C,H,W).</summary>
    public ReadOnlySpan<float> Inputs => Storage.AsSpan(0, Count * ValuesPerImage);

    /// <summary>Labels, (N).</summary>
    public ReadOnlySpan<int> Labels => LabelStorage.AsSpan(0, Count);

    /// <summary>Which images of the data set they are.</summary>
    public ReadOnlySpan<int> SampleIds => IdStorage.AsSpan(0, Count);

    /// <summary>What was done to each image (<see cref="Augmentation.Key"/>): equal keys of one image mean equal pixels; 0 for nothing.</summary>
    public ReadOnlySpan<ulong> AugmentationKeys => KeyStorage.AsSpan(0, Count);

    internal float[] Storage { get; }

    internal int[] LabelStorage { get; }

    internal int[] IdStorage { get; }

    internal ulong[] KeyStorage { get; }

    internal int ValuesPerImage { get; }
}
