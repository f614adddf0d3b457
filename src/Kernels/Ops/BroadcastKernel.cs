using System.Runtime.CompilerServices;
using ILGPU;
using SmartFrz.Kernels.Cpu;
using SmartFrz.Kernels.Cuda;

namespace SmartFrz.Kernels;

/// <summary>y[i] = f(a[..], b[..]), or y[i] += f(a[..], b[..]), where a and b repeat along some of y's axes.</summary>
public readonly unsafe struct BroadcastKernel<TOp>(TOp op, in StridedPair walk, DeviceBuffer a, DeviceBuffer b, DeviceBuffer y, bool accumulate = false)
    : IKernel
    where TOp : unmanaged, IBinaryOp
{
    private readonly TOp _op = op;
    private readonly StridedPair _walk = walk;
    private readonly DeviceBuffer _a = a, _b = b, _y = y;
    private readonly bool _accumulate = accumulate;

    /// <inheritdoc/>
    public static string Name => TOp.Name;

    /// <inheritdoc/>
    public KernelCost Cost => new(
        _walk.Elements,
        (_walk.FirstElements + _walk.SecondElements + (_walk.Elements * (_accumulate ? 2 : 1))) * sizeof(float));

    /// <inheritdoc/>
    public void Run(CpuContext cpu)
    {
        var segment = new BroadcastSegment<TOp>
        {
            Op = _op,
            A = CpuContext.Floats(_a),
            B = CpuContext.Floats(_b),
            Y = CpuContext.Floats(_y),
            Accumulate = _accumulate,
        };
        new StridedLoop<BroadcastSegment<TOp>>(segment, cpu, _walk).Run();
    }

    /// <inheritdoc/>
    public void Run(CudaContext cuda) =>
        cuda.LaunchElements(
            BroadcastCuda.Apply,
            _walk.Elements,
            new BroadcastCuda.Args<TOp>
            {
                Op = _op,
                Walk = _walk,
                A = CudaContext.Floats(_a),
                B = CudaContext.Floats(_b),
                Y = CudaContext.Floats(_y),
                Count = (int)_walk.Elements,
                Accumulate = _accumulate ? 1 : 0,
            });
}

/// <summary>The vector loop of <see cref="BroadcastKernel{TOp}"/> along the innermost axis.</summary>
internal unsafe struct BroadcastSegment<TOp> : IStridedSegment
    where TOp : unmanaged, IBinaryOp
{
    public TOp Op;
    public float* A, B, Y;
    public bool Accumulate;

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run<S, V>(long index, long first, long second, int n, int firstStep, int secondStep)
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        float* a = A + first, b = B + second, y = Y + index;
        var op = Op;
        V va = S.Set(*a), vb = S.Set(*b);
        int k = 0;
        for (; k + S.Width <= n; k += S.Width)
        {
            va = firstStep != 0 ? S.Load(a + k) : va;
            vb = secondStep != 0 ? S.Load(b + k) : vb;
            V f = op.Apply<S, V>(va, vb);
            S.Store(y + k, Accumulate ? S.Add(S.Load(y + k), f) : f);
        }

        // The last few elements go through the same vector code, so that a value does not depend on where it stands: together with
        // some before them once more, or one by one in a row shorter than a vector.
        if (k < n && n >= S.Width && !Accumulate)
        {
            k = n - S.Width;
            va = firstStep != 0 ? S.Load(a + k) : va;
            vb = secondStep != 0 ? S.Load(b + k) : vb;
            S.Store(y + k, op.Apply<S, V>(va, vb));
            return;
        }

        float* lanes = stackalloc float[S.Width];
        for (; k < n; k++)
        {
            S.Store(lanes, op.Apply<S, V>(S.Set(a[k * firstStep]), S.Set(b[k * secondStep])));
            y[k] = Accumulate ? y[k] + lanes[0] : lanes[0];
        }
    }
}

/// <summary>The CUDA body of <see cref="BroadcastKernel{TOp}"/>.</summary>
internal static class BroadcastCuda
{
    public struct Args<TOp>
        where TOp : unmanaged, IBinaryOp
    {
        public TOp Op;
        public StridedPair Walk;
        public ArrayView<float> A, B, Y;
        public int Count;
        public int Accumulate;
    }

    // One thread owns every (grid size)-th element of y and works out where its operands stand.
    [CudaKernel]
    public static void Apply<TOp>(Args<TOp> a)
        where TOp : unmanaged, IBinaryOp
    {
        for (long i = Grid.GlobalIndex.X; i < a.Count; i += Grid.DimX * Group.DimX)
        {
            var at = a.Walk.At((int)i);
            float y = a.Op.Apply(a.A[at.First], a.B[at.Second]);
            a.Y[i] = a.Accumulate != 0 ? a.Y[i] + y : y;
        }
    }
}
