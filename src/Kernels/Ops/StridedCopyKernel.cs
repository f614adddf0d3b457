using System.Runtime.CompilerServices;
using ILGPU;
using SmartFrz.Kernels.Cpu;
using SmartFrz.Kernels.Cuda;

namespace SmartFrz.Kernels;

/// <summary>y[..] = x[..], or y[..] += x[..], over a walk that moves by given steps through both: slices, and parts of a concatenation.</summary>
/// <param name="walk">The elements that are copied; its first array is x, its second y.</param>
/// <param name="x">The source.</param>
/// <param name="firstOfX">The element of x that the walk begins at.</param>
/// <param name="y">The target.</param>
/// <param name="firstOfY">The element of y that the walk begins at.</param>
/// <param name="accumulate">Add to y.</param>
public readonly unsafe struct StridedCopyKernel(in StridedPair walk, DeviceBuffer x, int firstOfX, DeviceBuffer y, int firstOfY, bool accumulate = false) : IKernel
{
    private readonly StridedPair _walk = walk;
    private readonly DeviceBuffer _x = x, _y = y;
    private readonly int _firstOfX = firstOfX, _firstOfY = firstOfY;
    private readonly bool _accumulate = accumulate;

    /// <inheritdoc/>
    public static string Name => "copy.strided";

    /// <inheritdoc/>
    public KernelCost Cost => KernelCost.Elementwise(_walk.Elements, 1, _accumulate ? 3 : 2);

    /// <inheritdoc/>
    public void Run(CpuContext cpu)
    {
        var segment = new StridedCopySegment { X = CpuContext.Floats(_x) + _firstOfX, Y = CpuContext.Floats(_y) + _firstOfY, Accumulate = _accumulate };
        new StridedLoop<StridedCopySegment>(segment, cpu, _walk).Run();
    }

    /// <inheritdoc/>
    public void Run(CudaContext cuda) =>
        cuda.LaunchElements(
            StridedCopyCuda.Apply,
            _walk.Elements,
            new StridedCopyCuda.Args
            {
                Walk = _walk,
                X = CudaContext.Floats(_x),
                Y = CudaContext.Floats(_y),
                FirstOfX = _firstOfX,
                FirstOfY = _firstOfY,
                Count = (int)_walk.Elements,
                Accumulate = _accumulate ? 1 : 0,
            });
}

/// <summary>The loop of <see cref="StridedCopyKernel"/> along the innermost axis.</summary>
internal unsafe struct StridedCopySegment : IStridedSegment
{
    public float* X, Y;
    public bool Accumulate;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run<S, V>(long index, long first, long second, int n, int firstStep, int secondStep)
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        float* x = X + first, y = Y + second;
        int k = 0;
        if (firstStep == 1 && secondStep == 1)
        {
            for (; k + S.Width <= n; k += S.Width)
            {
                V v = S.Load(x + k);
                S.Store(y + k, Accumulate ? S.Add(S.Load(y + k), v) : v);
            }
        }

        for (; k < n; k++)
        {
            float v = x[(long)k * firstStep];
            float* to = y + ((long)k * secondStep);
            *to = Accumulate ? *to + v : v;
        }
    }
}

/// <summary>The CUDA body of <see cref="StridedCopyKernel"/>.</summary>
internal static class StridedCopyCuda
{
    public struct Args
    {
        public StridedPair Walk;
        public ArrayView<float> X, Y;
        public int FirstOfX, FirstOfY;
        public int Count;
        public int Accumulate;
    }

    // One thread owns every (grid size)-th element of the walk.
    [CudaKernel]
    public static void Apply(Args a)
    {
        for (long i = Grid.GlobalIndex.X; i < a.Count; i += Grid.DimX * Group.DimX)
        {
            var at = a.Walk.At((int)i);
            float x = a.X[a.FirstOfX + at.First];
            int to = a.FirstOfY + at.Second;
            a.Y[to] = a.Accumulate != 0 ? a.Y[to] + x : x;
        }
    }
}
