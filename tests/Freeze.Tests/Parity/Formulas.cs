using System.Text;
using SmartFrz.Nn;
using SmartFrz.Nn.Data;
using SmartFrz.Tensors;

namespace SmartFrz.Freeze.Tests;

/// <summary>Weights and batches made by formulas: those of <c>bench/peers/formulas.py</c>.</summary>
internal static class Formulas
{
    /// <summary>Gives all parameters and buffers their values.</summary>
    public static void Fill(Network network, int draw)
    {
        foreach (var (name, value) in network.Parameters().Select(p => (p.Name, p.Value)).Concat(network.Buffers().Select(b => (b.Name, b.Value))))
        {
            value.CopyFrom(Values(name, value.Shape, draw));
        }
    }

    /// <summary>The values of a parameter or buffer.</summary>
    public static float[] Values(string name, Shape shape, int draw)
    {
        float[] values = Numbers((int)shape.Count, name, draw);
        bool isFactor = name.EndsWith("weight", StringComparison.Ordinal) || name.EndsWith("running_var", StringComparison.Ordinal);
        float bound = shape.Rank > 1 ? (float)Math.Sqrt(6.0 / (shape.Count / shape[0])) : 0;
        float strength = name.EndsWith("bn3.weight", StringComparison.Ordinal) ? 0.25f : 1;
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = shape.Rank > 1 ? values[i] * bound : isFactor ? (1 + (values[i] / 2)) * strength : values[i] / 4;
        }

        return values;
    }

    /// <summary>A batch of images (N,C,H,W) or of texts (N,T), with targets.</summary>
    public static TensorBatch Batch(int[] shape, int vocabulary, int classes, int draw)
    {
        long[] target = [.. Enumerable.Range(0, shape[0]).Select(i => (long)(i % classes))];
        if (shape.Length == 2)
        {
            return new TensorBatch(Text(shape[0], shape[1], vocabulary, draw), target);
        }

        float[] values = Numbers(shape.Aggregate((a, b) => a * b), "input", draw);
        float deviation = (float)Math.Sqrt(3);
        return new TensorBatch(new Shape(shape), Array.ConvertAll(values, v => v * deviation), target);
    }

    /// <summary>Which elements of a tensor the expectations hold.</summary>
    public static int[] Samples(int samples, int count) => count > samples
        ? [.. Enumerable.Range(0, samples).Select(i => (int)(Bits((uint)i, "samples", count) % (uint)count))]
        : [.. Enumerable.Range(0, count)];

    private static HostInput[] Text(int count, int length, int vocabulary, int draw)
    {
        var shape = new Shape(count, length);
        int[] ids = new int[count * length], types = new int[ids.Length], mask = new int[ids.Length];
        for (int i = 0; i < ids.Length; i++)
        {
            int tokens = Math.Max(length - (i / length), (length + 1) / 2), place = i % length;
            mask[i] = place < tokens ? 1 : 0;
            types[i] = place >= tokens / 2 && place < tokens ? 1 : 0;
            ids[i] = mask[i] * (int)((Bits((uint)i, "input_ids", draw) % (uint)(vocabulary - 1)) + 1);
        }

        return [new("input_ids", shape, ids), new("token_type_ids", shape, types), new("attention_mask", shape, mask)];
    }

    private static float[] Numbers(int count, string name, int draw)
    {
        var values = new float[count];
        uint stream = Stream(name, draw);
        for (int i = 0; i < count; i++)
        {
            values[i] = ((Hash((uint)i + stream) >> 8) * (1f / (1 << 23))) - 1f;
        }

        return values;
    }

    private static uint Bits(uint place, string name, int draw) => Hash(place + Stream(name, draw));

    // FNV-1a, 32 bit.
    private static uint Stream(string name, int draw)
    {
        uint stream = 2166136261;
        foreach (byte b in Encoding.UTF8.GetBytes(FormattableString.Invariant($"{name}#{draw}")))
        {
            stream = (stream ^ b) * 16777619;
        }

        return stream;
    }

    // lowbias32 of Wellons' hash-prospector.
    private static uint Hash(uint x)
    {
        x = (x ^ (x >> 16)) * 0x7FEB352D;
        x = (x ^ (x >> 15)) * 0x846CA68B;
        return x ^ (x >> 16);
    }
}
