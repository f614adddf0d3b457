using System.Runtime.CompilerServices;
using ILGPU;
using SmartFrz.Kernels.Cpu;
using SmartFrz.Kernels.Cuda;

namespace SmartFrz.Kernels;

/// <summary>dx[i] = g(dy[i], a[..], b[..]), or dx[i] += g(...), where a and b repeat along some of dy's axes.</summary>
public readonly unsafe struct BroadcastGradKernel<TGrad>(in StridedPair walk, DeviceBuffer dy, DeviceBuffer a, DeviceBuffer b, DeviceBuffer dx, bool accumulate = false)
    : IKernel
    where TGrad : unmanaged, IBinaryGradient
{
    private readonly StridedPair _walk = walk;
    private readonly DeviceBuffer _dy = dy, _a = a, _b = b, _dx = dx;
    private readonly bool _accumulate = accumulate;

    /// <inheritdoc/>
    public static string Name => TGrad.Name;

    /// <inheritdoc/>
    public KernelCost Cost => new(
        _walk.Elements,
        (_walk.FirstElements + _walk.SecondElements + (_walk.Elements * (_accumulate ? 3 : 2))) * sizeof(float));

    /// <inheritdoc/>
    public void Run(CpuContext cpu)
    {
        var segment = new BroadcastGradSegment<TGrad>
        {
            Dy = CpuContext.Floats(_dy),
            A = CpuContext.Floats(_a),
            B = CpuContext.Floats(_b),
            Dx = CpuContext.Floats(_dx),
            Accumulate = _accumulate,
        };
        new StridedLoop<BroadcastGradSegment<TGrad>>(segment, cpu, _walk).Run();
    }

    /// <inheritdoc/>
    public void Run(CudaContext cuda) =>
        cuda.LaunchElements(
            BroadcastGradCuda.Apply<TGrad>,
            _walk.Elements,
            new BroadcastGradCuda.Args<TGrad>
            {
                Walk = _walk,
                Dy = CudaContext.Floats(_dy),
                A = CudaContext.Floats(_a),
                B = CudaContext.Floats(_b),
                Dx = CudaContext.Floats(_dx),
                Count = (int)_walk.Elements,
                Accumulate = _accumulate ? 1 : 0,
            });
}

/// <summary>The vector loop of <see cref="BroadcastGradKernel{TGrad}"/> along the innermost axis.</summary>
internal unsafe struct BroadcastGradSegment<TGrad> : IStridedSegment
    where TGrad : unmanaged, IBinaryGradient
{
    public float* Dy, A, B, Dx;
    public bool Accumulate;

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run<S, V>(long index, long first, long second, int n, int firstStep, int secondStep)
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        float* dy = Dy + index, a = A + first, b = B + second, dx = Dx + index;
        TGrad gradient = default;
        V va = S.Set(*a), vb = S.Set(*b);
        int k = 0;
        for (; k + S.Width <= n; k += S.Width)
        {
            va = firstStep != 0 ? S.Load(a + k) : va;
            vb = secondStep != 0 ? S.Load(b + k) : vb;
            V g = gradient.Apply<S, V>(S.Load(dy + k), va, vb);
            S.Store(dx + k, Accumulate ? S.Add(S.Load(dx + k), g) : g);
        }

        // The last few elements go through the same vector code, so that a value does not depend on where it stands: together with
        // some before them once more, or one by one in a row shorter than a vector.
        if (k < n && n >= S.Width && !Accumulate)
        {
            k = n - S.Width;
            va = firstStep != 0 ? S.Load(a + k) : va;
            vb = secondStep != 0 ? S.Load(b + k) : vb;
            S.Store(dx + k, gradient.Apply<S, V>(S.Load(dy + k), va, vb));
            return;
        }

        float* lanes = stackalloc float[S.Width];
        for (; k < n; k++)
        {
            S.Store(lanes, gradient.Apply<S, V>(S.Set(dy[k]), S.Set(a[k * firstStep]), S.Set(b[k * secondStep])));
            dx[k] = Accumulate ? dx[k] + lanes[0] : lanes[0];
        }
    }
}

/// <summary>The CUDA body of <see cref="BroadcastGradKernel{TGrad}"/>.</summary>
internal static class BroadcastGradCuda
{
    // The type parameter names the kernel's gradient.
    public struct Args<TGrad>
        where TGrad : unmanaged, IBinaryGradient
    {
        public StridedPair Walk;
        public ArrayView<float> Dy, A, B, Dx;
        public int Count;
        public int Accumulate;
    }

    // One thread owns every (grid size)-th element of dy and works out where the operands stand.
    [CudaKernel]
    public static void Apply<TGrad>(Args<TGrad> a)
        where TGrad : unmanaged, IBinaryGradient
    {
        TGrad gradient = default;
        for (long i = Grid.GlobalIndex.X; i < a.Count; i += Grid.DimX * Group.DimX)
        {
            var at = a.Walk.At((int)i);
            float g = gradient.Apply(a.Dy[i], a.A[at.First], a.B[at.Second]);
            a.Dx[i] = a.Accumulate != 0 ? a.Dx[i] + g : g;
        }
    }
}
