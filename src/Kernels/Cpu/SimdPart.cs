using System.Runtime.CompilerServices;

namespace SmartFrz.Kernels.Cpu;

/// <summary>Registers that are only partly in memory: the last few elements of a row.</summary>
internal static unsafe class SimdPart
{
    // Floats in the widest register.
    private const int MaxWidth = 16;

    /// <summary>The first <paramref name="n"/> lanes from memory, fewer than a register; the others get a number that does no harm.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static V Load<S, V>(float* p, int n, float others)
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        float* pad = stackalloc float[MaxWidth];
        for (int k = 0; k < S.Width; k++)
        {
            pad[k] = k < n ? p[k] : others;
        }

        return S.Load(pad);
    }

    /// <summary>The first <paramref name="n"/> lanes to memory.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static void Store<S, V>(float* p, int n, V v)
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        float* pad = stackalloc float[MaxWidth];
        S.Store(pad, v);
        for (int k = 0; k < n; k++)
        {
            p[k] = pad[k];
        }
    }

    /// <summary>Adds the first <paramref name="n"/> lanes to memory.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static void Add<S, V>(float* p, int n, V v)
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        float* pad = stackalloc float[MaxWidth];
        S.Store(pad, v);
        for (int k = 0; k < n; k++)
        {
            p[k] += pad[k];
        }
    }
}
