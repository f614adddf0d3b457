namespace SmartFrz.Nn.Data;

/// <summary>A batch on the host. It belongs to the loader and is overwritten once the next one was asked for.</summary>
public sealed class HostBatch
{
    internal HostBatch(int size, int valuesPerImage)
    {
        Storage = new float[size * valuesPerImage];
        LabelStorage = new int[size];
        IdStorage = new int[size];
        KeyStorage = new ulong[size];
        ValuesPerImage = valuesPerImage;
    }

    /// <summary>Images in this batch; less than asked for at the end of an epoch that keeps its last one.</summary>
    public int Count { get; internal set; }

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
