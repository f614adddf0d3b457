using System.Runtime.InteropServices;

namespace SmartFrz.Kernels.Tests.Cpu;

/// <summary>Native floats between two guards of NaN: a kernel that writes past an end is caught, one that reads past it spreads NaN.</summary>
internal sealed unsafe class NativeFloats : IDisposable
{
    private const int Guard = 64;

    private readonly float* _base;

    public NativeFloats(long count)
    {
        Count = (int)count;
        _base = (float*)NativeMemory.AlignedAlloc((nuint)(count + (2 * Guard)) * sizeof(float), 64);
        new Span<float>(_base, Count + (2 * Guard)).Fill(float.NaN);
    }

    public int Count { get; }

    public float* Pointer => _base + Guard;

    public Span<float> Span => new(Pointer, Count);

    public static NativeFloats Uniform(long count, System.Random random)
    {
        var floats = new NativeFloats(count);
        foreach (ref float x in floats.Span)
        {
            x = (random.NextSingle() * 2f) - 1f;
        }

        return floats;
    }

    public NativeFloats Copy()
    {
        var copy = new NativeFloats(Count);
        Span.CopyTo(copy.Span);
        return copy;
    }

    public void AssertGuards()
    {
        foreach (float x in new ReadOnlySpan<float>(_base, Guard))
        {
            Assert.True(float.IsNaN(x), "written before the beginning");
        }

        foreach (float x in new ReadOnlySpan<float>(Pointer + Count, Guard))
        {
            Assert.True(float.IsNaN(x), "written past the end");
        }
    }

    public void Dispose() => NativeMemory.AlignedFree(_base);
}
