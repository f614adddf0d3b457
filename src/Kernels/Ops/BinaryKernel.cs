using System.Runtime.CompilerServices;
using ILGPU;
using SmartFrz.Kernels.Cpu;
using SmartFrz.Kernels.Cuda;

namespace SmartFrz.Kernels;

/// <summary>y[i] = f(a[i], b[i]), or y[i] += f(a[i], b[i]).</summary>
public readonly unsafe struct BinaryKernel<TOp>(TOp op, DeviceBuffer a, DeviceBuffer b, DeviceBuffer y, long count, bool accumulate = false) : IKernel
    where TOp : unmanaged, IBinaryOp
{
    private readonly TOp _op = op;
    private readonly DeviceBuffer _a = a, _b = b, _y = y;
    private readonly long _count = count;
    private readonly bool _accumulate = accumulate;

    /// <inheritdoc/>
    public static string Name => TOp.Name;

    /// <inheritdoc/>
    public KernelCost Cost => KernelCost.Elementwise(_count, 1, _accumulate ? 4 : 3);

    /// <inheritdoc/>
    public void Run(CpuContext cpu)
    {
        var loop = new CpuLoop<BinaryChunk<TOp>>(
            new BinaryChunk<TOp> { Op = _op, A = CpuContext.Floats(_a), B = CpuContext.Floats(_b), Y = CpuContext.Floats(_y), Accumulate = _accumulate }, cpu, _count);
        loop.Run();
    }

    /// <inheritdoc/>
    public void Run(CudaContext cuda) =>
        cuda.LaunchElements(
            BinaryCuda.Apply,
            _count,
            new BinaryCuda.Args<TOp> { Op = _op, A = CudaContext.Floats(_a), B = CudaContext.Floats(_b), Y = CudaContext.Floats(_y), Count = _count, Accumulate = _accumulate ? 1 : 0 });
}

/// <summary>The vector loop of <see cref="BinaryKernel{TOp}"/> over one stretch of elements.</summary>
internal unsafe struct BinaryChunk<TOp> : ICpuChunk
    where TOp : unmanaged, IBinaryOp
{
    public TOp Op;
    public float* A, B, Y;
    public bool Accumulate;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Vector<S, V>(long i)
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        V y = Op.Apply<S, V>(S.Load(A + i), S.Load(B + i));
        S.Store(Y + i, Accumulate ? S.Add(S.Load(Y + i), y) : y);
    }

    public readonly void Tail<S, V>(long i, int n)
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        // The last few elements go through the same vector code, so that a value does not depend on where it stands.
        float* pad = stackalloc float[3 * S.Width];
        for (int k = 0; k < S.Width; k++)
        {
            pad[k] = A[i + Math.Min(k, n - 1)];
            pad[S.Width + k] = B[i + Math.Min(k, n - 1)];
        }

        S.Store(pad + (2 * S.Width), Op.Apply<S, V>(S.Load(pad), S.Load(pad + S.Width)));
        for (int k = 0; k < n; k++)
        {
            Y[i + k] = Accumulate ? Y[i + k] + pad[(2 * S.Width) + k] : pad[(2 * S.Width) + k];
        }
    }
}

/// <summary>The CUDA body of <see cref="BinaryKernel{TOp}"/>.</summary>
internal static class BinaryCuda
{
    public struct Args<TOp>
        where TOp : unmanaged, IBinaryOp
    {
        public TOp Op;
        public ArrayView<float> A, B, Y;
        public long Count;
        public int Accumulate;
    }

    // One thread owns every (grid size)-th element; one group a contiguous run of them at each turn.
    [CudaKernel]
    public static void Apply<TOp>(Args<TOp> a)
        where TOp : unmanaged, IBinaryOp
    {
        for (long i = Grid.GlobalIndex.X; i < a.Count; i += Grid.DimX * Group.DimX)
        {
            float y = a.Op.Apply(a.A[i], a.B[i]);
            a.Y[i] = a.Accumulate != 0 ? a.Y[i] + y : y;
        }
    }
}
