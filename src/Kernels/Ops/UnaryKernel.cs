using System.Runtime.CompilerServices;
using ILGPU;
using SmartFrz.Kernels.Cpu;
using SmartFrz.Kernels.Cuda;

namespace SmartFrz.Kernels;

/// <summary>y[i] = f(x[i]), or y[i] += f(x[i]).</summary>
public readonly unsafe struct UnaryKernel<TOp>(TOp op, DeviceBuffer x, DeviceBuffer y, long count, bool accumulate = false) : IKernel
    where TOp : unmanaged, IUnaryOp
{
    private readonly TOp _op = op;
    private readonly DeviceBuffer _x = x, _y = y;
    private readonly long _count = count;
    private readonly bool _accumulate = accumulate;

    /// <inheritdoc/>
    public static string Name => TOp.Name;

    /// <inheritdoc/>
    public KernelCost Cost => KernelCost.Elementwise(_count, 1, _accumulate ? 3 : 2);

    /// <inheritdoc/>
    public void Run(CpuContext cpu)
    {
        var loop = new CpuLoop<UnaryChunk<TOp>>(
            new UnaryChunk<TOp> { Op = _op, X = CpuContext.Floats(_x), Y = CpuContext.Floats(_y), Accumulate = _accumulate }, cpu, _count);
        loop.Run();
    }

    /// <inheritdoc/>
    public void Run(CudaContext cuda) =>
        cuda.LaunchElements(
            UnaryCuda.Apply,
            _count,
            new UnaryCuda.Args<TOp> { Op = _op, X = CudaContext.Floats(_x), Y = CudaContext.Floats(_y), Count = _count, Accumulate = _accumulate ? 1 : 0 });
}

/// <summary>The vector loop of <see cref="UnaryKernel{TOp}"/> over one stretch of elements.</summary>
internal unsafe struct UnaryChunk<TOp> : ICpuChunk
    where TOp : unmanaged, IUnaryOp
{
    public TOp Op;
    public float* X, Y;
    public bool Accumulate;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Vector<S, V>(long i)
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        V y = Op.Apply<S, V>(S.Load(X + i));
        S.Store(Y + i, Accumulate ? S.Add(S.Load(Y + i), y) : y);
    }

    public readonly void Tail<S, V>(long i, int n)
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        // The last few elements go through the same vector code, so that a value does not depend on where it stands.
        float* pad = stackalloc float[2 * S.Width];
        for (int k = 0; k < S.Width; k++)
        {
            pad[k] = X[i + Math.Min(k, n - 1)];
        }

        S.Store(pad + S.Width, Op.Apply<S, V>(S.Load(pad)));
        for (int k = 0; k < n; k++)
        {
            Y[i + k] = Accumulate ? Y[i + k] + pad[S.Width + k] : pad[S.Width + k];
        }
    }
}

/// <summary>The CUDA body of <see cref="UnaryKernel{TOp}"/>.</summary>
internal static class UnaryCuda
{
    public struct Args<TOp>
        where TOp : unmanaged, IUnaryOp
    {
        public TOp Op;
        public ArrayView<float> X, Y;
        public long Count;
        public int Accumulate;
    }

    // One thread owns every (grid size)-th element; one group a contiguous run of them at each turn.
    [CudaKernel]
    public static void Apply<TOp>(Args<TOp> a)
        where TOp : unmanaged, IUnaryOp
    {
        for (long i = Grid.GlobalIndex.X; i < a.Count; i += Grid.DimX * Group.DimX)
        {
            float y = a.Op.Apply(a.X[i]);
            a.Y[i] = a.Accumulate != 0 ? a.Y[i] + y : y;
        }
    }
}
