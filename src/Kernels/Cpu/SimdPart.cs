using System.Runtime.CompilerServices;

namespace SmartFrz.Kernels.Cpu;

/// <summary>Registers that are only partly in memory: the last few elements of a row.</summary>
internal static unsafe class SimdPart
{
    /// <summary>The first <paramref name="n"/> lanes from memory, fewer than a register; the others get a number that does no harm.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Load<S, V>(float* p, int n, float others)
        where S : struct, ISimd<V>
        where V : unmanaged
        => S.LoadPart(p, n, S.Set(others));

    /// <summary>The first <paramref name="n"/> lanes to memory.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<S, V>(float* p, int n, V v)
        where S : struct, ISimd<V>
        where V : unmanaged
        => S.StorePart(p, n, v);

    /// <summary>Adds the first <paramref name="n"/> lanes to memory.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Add<S, V>(float* p, int n, V v)
        where S : struct, ISimd<V>
        where V : unmanaged
        => S.StorePart(p, n, S.Add(S.LoadPart(p, n, S.Zero), v));
}
