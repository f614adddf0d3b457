using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SmartFrz.Kernels.Cpu;

/// <summary>The vector instruction sets that the CPU kernels are compiled for, narrowest first.</summary>
public enum CpuIsa
{
    /// <summary>128-bit vectors on any processor, ARM included.</summary>
    Vector128,

    /// <summary>256-bit AVX2 with FMA.</summary>
    Avx2,

    /// <summary>512-bit AVX-512F.</summary>
    Avx512,
}

/// <summary>A piece of work that is written for any register width.</summary>
internal interface ISimdAction
{
    void Run<S, V>()
        where S : struct, ISimd<V>
        where V : unmanaged;
}

/// <summary>Picks the instruction set and calls a kernel with it.</summary>
internal static class CpuIsaExtensions
{
    /// <summary>The widest set this processor runs.</summary>
    public static CpuIsa Best =>
        Avx512F.IsSupported && Vector512.IsHardwareAccelerated ? CpuIsa.Avx512
        : Avx2.IsSupported && Fma.IsSupported ? CpuIsa.Avx2
        : CpuIsa.Vector128;

    /// <summary>Whether this processor runs the set.</summary>
    public static bool IsSupported(this CpuIsa isa) => isa switch
    {
        CpuIsa.Avx512 => Avx512F.IsSupported,
        CpuIsa.Avx2 => Avx2.IsSupported && Fma.IsSupported,
        _ => true,
    };

    /// <summary>Floats in a register.</summary>
    public static int Width(this CpuIsa isa) => isa switch
    {
        CpuIsa.Avx512 => Simd512.Width,
        CpuIsa.Avx2 => Simd256.Width,
        _ => Simd128.Width,
    };

    /// <summary>Runs the action with the providers of this set.</summary>
    public static void Run<TAction>(this CpuIsa isa, ref TAction action)
        where TAction : struct, ISimdAction
    {
        switch (isa)
        {
            case CpuIsa.Avx512:
                action.Run<Simd512, Vector512<float>>();
                break;
            case CpuIsa.Avx2:
                action.Run<Simd256, Vector256<float>>();
                break;
            default:
                action.Run<Simd128, Vector128<float>>();
                break;
        }
    }
}
