using System.Globalization;
using SmartFrz.Nn.Options;

namespace SmartFrz.Nn.Weights;

/// <summary>A tensor of a PyTorch file: a view of a storage.</summary>
/// <param name="Storage">Where its elements lie; other tensors may lie there too.</param>
/// <param name="Offset">Its first element.</param>
/// <param name="Size">Its extents.</param>
/// <param name="Stride">Elements from one to the next along each axis.</param>
internal sealed record TorchTensor(TorchStorage Storage, long Offset, long[] Size, long[] Stride)
{
    /// <summary>Its bytes once its elements stand one after another.</summary>
    /// <param name="name">What messages call it.</param>
    /// <param name="bytes">The file, for messages.</param>
    /// <exception cref="WeightsFormatException">An extent or stride is impossible, or it reaches beyond its storage.</exception>
    public long Check(string name, PickleBytes bytes)
    {
        long? length = Size.All(d => d is >= 0 and <= int.MaxValue) ? StoredTensor.BytesOf(Storage.DType, Size) : null;
        if (length is null or > int.MaxValue)
        {
            throw bytes.Fail($"tensor '{MessageText.Printable(name)}' has a shape {Extents} that is too large or negative");
        }

        // No axis of extent 0 has a last element; the farthest one lies at the end of every axis.
        Int128 last = Offset;
        for (int i = 0; i < Size.Length; i++)
        {
            last += Stride[i] < 0 ? Storage.Count : (Int128)Stride[i] * Math.Max(0, Size[i] - 1);
        }

        if (Offset < 0 || Stride.Any(s => s < 0) || (length > 0 && last >= Storage.Count))
        {
            throw bytes.Fail(string.Create(
                CultureInfo.InvariantCulture,
                $"tensor '{MessageText.Printable(name)}' {Extents} with strides ({string.Join(",", Stride)}) from element {Offset} does not lie in its storage of {Storage.Count}"));
        }

        return length.Value;
    }

    /// <summary>The tensor with its elements one after another: a part of the storage's bytes where they stand so, else a copy.</summary>
    public StoredTensor ToStored()
    {
        int[] shape = [.. Size.Select(d => (int)d)];
        int element = Storage.ElementBytes;
        long count = Size.Aggregate(1L, (product, extent) => product * extent);
        if (count == 0)
        {
            return new StoredTensor(Storage.DType, shape, Array.Empty<byte>());
        }

        var source = Storage.Bytes.AsMemory();
        if (IsContiguous())
        {
            return new StoredTensor(Storage.DType, shape, source.Slice((int)(Offset * element), (int)(count * element)));
        }

        var bytes = new byte[count * element];
        Copy(source.Span, bytes, element);
        return new StoredTensor(Storage.DType, shape, bytes);
    }

    private string Extents => $"({string.Join(",", Size.Select(d => d.ToString(CultureInfo.InvariantCulture)))})";

    // The stride of an axis of one element says nothing.
    private bool IsContiguous()
    {
        long expected = 1;
        for (int i = Size.Length - 1; i >= 0; i--)
        {
            if (Size[i] != 1 && Stride[i] != expected)
            {
                return false;
            }

            expected *= Size[i];
        }

        return true;
    }

    // Counts up the indices like an odometer, the last axis fastest.
    private void Copy(ReadOnlySpan<byte> source, Span<byte> target, int element)
    {
        var index = new long[Size.Length];
        long at = Offset;
        for (int filled = 0; filled < target.Length; filled += element)
        {
            source.Slice((int)(at * element), element).CopyTo(target[filled..]);
            for (int axis = Size.Length - 1; axis >= 0; axis--)
            {
                at += Stride[axis];
                if (++index[axis] < Size[axis])
                {
                    break;
                }

                at -= Stride[axis] * Size[axis];
                index[axis] = 0;
            }
        }
    }
}
