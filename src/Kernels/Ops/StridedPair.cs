using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace SmartFrz.Kernels;

/// <summary>Six whole numbers, one for each axis, innermost last. Plain fields, so that a CUDA kernel takes it as an argument.</summary>
[StructLayout(LayoutKind.Sequential)]
public record struct Axes
{
    /// <summary>The number of axes.</summary>
    public const int Count = 6;

    /// <summary>The values.</summary>
    public int A0, A1, A2, A3, A4, A5;

    /// <summary>The value of one axis.</summary>
    public int this[int axis]
    {
        readonly get => Unsafe.Add(ref Unsafe.AsRef(in A0), axis);
        set => Unsafe.Add(ref A0, axis) = value;
    }
}

/// <summary>
/// A row-major walk over up to six axes, and how far two arrays move with each of its steps. Axes that both arrays walk through as
/// one are merged; what is left stands at the end, with extents of 1 before it.
/// </summary>
public struct StridedPair
{
    /// <summary>The extents of the walk, and the steps of the first and the second array along each axis.</summary>
    public Axes Extents, First, Second;

    /// <summary>How many axes at the end are in use.</summary>
    public int Rank;

    /// <summary>The number of elements of the walk.</summary>
    public readonly long Elements => (long)Extents.A0 * Extents.A1 * Extents.A2 * Extents.A3 * Extents.A4 * Extents.A5;

    /// <summary>How many different elements of the first array it touches.</summary>
    public readonly long FirstElements => Touched(First);

    /// <summary>How many different elements of the second array it touches.</summary>
    public readonly long SecondElements => Touched(Second);

    /// <summary>A walk with given steps, merged.</summary>
    /// <exception cref="NotSupportedException">More than 2^31 - 1 elements: the kernels index with 32 bits.</exception>
    public static StridedPair Of(ReadOnlySpan<int> extents, ReadOnlySpan<int> first, ReadOnlySpan<int> second)
    {
        var pair = new StridedPair { Extents = Ones };
        int at = Axes.Count;
        for (int i = extents.Length - 1; i >= 0; i--)
        {
            if (extents[i] == 1)
            {
                continue;
            }

            if (at < Axes.Count && first[i] == pair.First[at] * pair.Extents[at] && second[i] == pair.Second[at] * pair.Extents[at])
            {
                pair.Extents[at] *= extents[i];
                continue;
            }

            at--;
            (pair.Extents[at], pair.First[at], pair.Second[at]) = (extents[i], first[i], second[i]);
        }

        pair.Rank = Axes.Count - at;
        return pair.Elements <= int.MaxValue
            ? pair
            : throw new NotSupportedException($"a strided operation over {pair.Elements} elements: at most {int.MaxValue} are supported");
    }

    /// <summary>A walk over a shape whose operands repeat along the axes they lack or have with extent 1 (NumPy's broadcasting).</summary>
    public static StridedPair Broadcast(ReadOnlySpan<int> shape, ReadOnlySpan<int> first, ReadOnlySpan<int> second)
    {
        Span<int> a = stackalloc int[shape.Length], b = stackalloc int[shape.Length];
        RepeatedStrides(first, a);
        RepeatedStrides(second, b);
        return Of(shape, a, b);
    }

    /// <summary>The row-major steps of a shape.</summary>
    public static void RowMajorStrides(ReadOnlySpan<int> shape, Span<int> strides)
    {
        int stride = 1;
        for (int i = shape.Length - 1; i >= 0; i--)
        {
            strides[i] = stride;
            stride *= shape[i];
        }
    }

    /// <summary>Where both arrays stand at element <paramref name="index"/> of the walk: for CUDA kernels.</summary>
    internal readonly PairOffset At(int index)
    {
        uint rest = (uint)index;
        uint q = rest / (uint)Extents.A5;
        int c = (int)(rest - (q * (uint)Extents.A5));
        int first = c * First.A5, second = c * Second.A5;
        if (Rank > 1)
        {
            rest = q;
            q = rest / (uint)Extents.A4;
            c = (int)(rest - (q * (uint)Extents.A4));
            first += c * First.A4;
            second += c * Second.A4;
        }

        if (Rank > 2)
        {
            rest = q;
            q = rest / (uint)Extents.A3;
            c = (int)(rest - (q * (uint)Extents.A3));
            first += c * First.A3;
            second += c * Second.A3;
        }

        if (Rank > 3)
        {
            rest = q;
            q = rest / (uint)Extents.A2;
            c = (int)(rest - (q * (uint)Extents.A2));
            first += c * First.A2;
            second += c * Second.A2;
        }

        if (Rank > 4)
        {
            rest = q;
            q = rest / (uint)Extents.A1;
            c = (int)(rest - (q * (uint)Extents.A1));
            first += c * First.A1;
            second += c * Second.A1;
        }

        if (Rank > 5)
        {
            first += (int)q * First.A0;
            second += (int)q * Second.A0;
        }

        return new PairOffset { First = first, Second = second };
    }

    private static Axes Ones => new() { A0 = 1, A1 = 1, A2 = 1, A3 = 1, A4 = 1, A5 = 1 };

    // The steps of an operand whose axes stand at the end of the walk's; 0 along repeated axes.
    private static void RepeatedStrides(ReadOnlySpan<int> operand, Span<int> strides)
    {
        strides.Clear();
        int lead = strides.Length - operand.Length, stride = 1;
        for (int i = operand.Length - 1; i >= 0; i--)
        {
            strides[lead + i] = operand[i] == 1 ? 0 : stride;
            stride *= operand[i];
        }
    }

    private readonly long Touched(in Axes strides)
    {
        long count = 1;
        for (int axis = 0; axis < Axes.Count; axis++)
        {
            count *= strides[axis] == 0 ? 1 : Extents[axis];
        }

        return count;
    }
}

/// <summary>Elements from the start of each of two arrays.</summary>
internal struct PairOffset
{
    public int First, Second;
}
