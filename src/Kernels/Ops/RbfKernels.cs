using System.Runtime.CompilerServices;
using ILGPU;
using SmartFrz.Kernels.Cpu;
using SmartFrz.Kernels.Cuda;

namespace SmartFrz.Kernels;

/// <summary>Squared distances of n points from their Gram matrix G: d[i,j] = max(0, G[i,i] + G[j,j] - 2 G[i,j]), exactly 0 on the diagonal.</summary>
public readonly unsafe struct PairDistanceKernel(DeviceBuffer gram, DeviceBuffer distances, int n) : IKernel
{
    private readonly DeviceBuffer _gram = gram, _distances = distances;
    private readonly int _n = n;

    /// <inheritdoc/>
    public static string Name => "pair_distance";

    /// <inheritdoc/>
    public KernelCost Cost => KernelCost.Elementwise((long)_n * _n, 3, 2);

    /// <inheritdoc/>
    public void Run(CpuContext cpu)
    {
        // Some 16k elements are worth a fork.
        const int ElementsPerPiece = 16384;
        var body = new PairDistanceCpu { Gram = CpuContext.Floats(_gram), Distances = CpuContext.Floats(_distances), N = _n };
        cpu.Pool.For(_n, Math.Max(1, ElementsPerPiece / Math.Max(1, _n)), ref body);
    }

    /// <inheritdoc/>
    public void Run(CudaContext cuda) =>
        cuda.LaunchElements(
            RbfCuda.PairDistance,
            (long)_n * _n,
            new RbfCuda.DistanceArgs { Gram = CudaContext.Floats(_gram), Distances = CudaContext.Floats(_distances), N = _n });
}

/// <summary>The median of an array of numbers that are not negative (the mean of the middle two for an even count), left on the device.</summary>
/// <remarks>
/// Such floats are in the order of their bit patterns, so the bits of the two middle ones are found by halving the range of patterns
/// 31 times and counting; nothing is moved or sorted.
/// </remarks>
public readonly unsafe struct MedianKernel(DeviceBuffer x, DeviceBuffer median, int count) : IKernel
{
    // The bits of a float without its sign.
    internal const int Halvings = 31;

    private readonly DeviceBuffer _x = x, _median = median;
    private readonly int _count = count;

    /// <inheritdoc/>
    public static string Name => "median";

    /// <inheritdoc/>
    public KernelCost Cost => new((long)Halvings * _count, ((long)_count + 1) * sizeof(float));

    /// <inheritdoc/>
    public void Run(CpuContext cpu)
    {
        int* x = CpuContext.Pointer<int>(_x);
        float lower = BitConverter.Int32BitsToSingle(Select(x, (_count - 1) / 2));
        float upper = BitConverter.Int32BitsToSingle(Select(x, _count / 2));
        CpuContext.Floats(_median)[0] = 0.5f * (lower + upper);
    }

    /// <inheritdoc/>
    public void Run(CudaContext cuda) =>
        cuda.LaunchRows(RbfCuda.Median, 1, new RbfCuda.MedianArgs { X = CudaContext.View<int>(_x), Median = CudaContext.Floats(_median), Count = _count });

    // The smallest pattern that more than rank elements do not exceed.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int Select(int* x, int rank)
    {
        int low = 0, high = int.MaxValue;
        while (low < high)
        {
            int middle = low + ((high - low) / 2), below = 0;
            for (int i = 0; i < _count; i++)
            {
                below += x[i] <= middle ? 1 : 0;
            }

            (low, high) = below > rank ? (low, middle) : (middle + 1, high);
        }

        return low;
    }
}

/// <summary>k = exp(-d / (2 t^2 median)) of squared distances, in place; a median of 0 counts as 1.</summary>
public readonly unsafe struct RbfKernel(DeviceBuffer distances, DeviceBuffer median, float bandwidth, int count) : IKernel
{
    private readonly DeviceBuffer _distances = distances, _median = median;
    private readonly float _bandwidth = bandwidth;
    private readonly int _count = count;

    /// <inheritdoc/>
    public static string Name => "rbf";

    /// <inheritdoc/>
    public KernelCost Cost => KernelCost.Elementwise(_count, 2, 2);

    /// <inheritdoc/>
    public void Run(CpuContext cpu)
    {
        float* d = CpuContext.Floats(_distances);
        var chunk = new UnaryChunk<ScaledExpOp> { Op = new ScaledExpOp(Factor(*CpuContext.Floats(_median), _bandwidth)), X = d, Y = d };
        new CpuLoop<UnaryChunk<ScaledExpOp>>(chunk, cpu, _count).Run();
    }

    /// <inheritdoc/>
    public void Run(CudaContext cuda) =>
        cuda.LaunchElements(
            RbfCuda.Rbf,
            _count,
            new RbfCuda.RbfArgs { D = CudaContext.Floats(_distances), Median = CudaContext.Floats(_median), Bandwidth = _bandwidth, Count = _count });

    internal static float Factor(float median, float bandwidth) => -0.5f / (bandwidth * bandwidth * (median > 0f ? median : 1f));
}

/// <summary>e^(factor * x)</summary>
public readonly struct ScaledExpOp(float factor) : IUnaryOp
{
    /// <summary>The factor.</summary>
    public readonly float Factor = factor;

    /// <inheritdoc/>
    public static string Name => "scaled_exp";

    /// <inheritdoc/>
    public float Apply(float x) => MathF.Exp(Factor * x);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Apply<S, V>(V x)
        where S : struct, ISimd<V>
        where V : unmanaged
        => SimdMath.Exp<S, V>(S.Mul(S.Set(Factor), x));
}

/// <summary>The CPU body of <see cref="PairDistanceKernel"/>: a range of rows.</summary>
internal unsafe struct PairDistanceCpu : IParallelBody
{
    public float* Gram, Distances;
    public int N;

    public readonly void Run(int begin, int end, int worker)
    {
        for (int i = begin; i < end; i++)
        {
            float* gram = Gram + ((long)i * N), d = Distances + ((long)i * N);
            float own = gram[i];
            for (int j = 0; j < N; j++)
            {
                float other = Gram[((long)j * N) + j];
                d[j] = i == j ? 0f : Math.Max(0f, own + other - (2f * gram[j]));
            }
        }
    }
}

/// <summary>The CUDA bodies of <see cref="PairDistanceKernel"/>, <see cref="MedianKernel"/> and <see cref="RbfKernel"/>.</summary>
internal static class RbfCuda
{
    public struct DistanceArgs
    {
        public ArrayView<float> Gram, Distances;
        public int N;
    }

    public struct MedianArgs
    {
        public ArrayView<int> X;
        public ArrayView<float> Median;
        public int Count;
    }

    public struct RbfArgs
    {
        public ArrayView<float> D, Median;
        public float Bandwidth;
        public int Count;
    }

    // One thread owns every (grid size)-th pair.
    [CudaKernel]
    public static void PairDistance(DistanceArgs a)
    {
        long count = (long)a.N * a.N;
        for (long p = Grid.GlobalIndex.X; p < count; p += Grid.DimX * Group.DimX)
        {
            long i = p / a.N;
            long j = p - (i * a.N);
            float d = a.Gram[(i * a.N) + i] + a.Gram[(j * a.N) + j] - (2f * a.Gram[p]);
            a.Distances[p] = i == j || d < 0f ? 0f : d;
        }
    }

    // One group in all; one thread counts in every (group size)-th element, a tree adds the counts of each halving.
    [CudaKernel]
    public static void Median(MedianArgs a)
    {
        // Steps take turns at two places. One place and a barrier behind the reads would not do: ILGPU moves those reads below the barrier.
        var places = SharedMemory.Allocate<int>(4 * CudaDevice.FullGroup);
        int thread = Group.IdxX, size = Group.DimX;
        int lowerRank = (a.Count - 1) / 2, upperRank = a.Count / 2;
        int lowA = 0, highA = int.MaxValue, lowB = 0, highB = int.MaxValue;
        for (int step = 0; step < MedianKernel.Halvings; step++)
        {
            int middleA = lowA + ((highA - lowA) / 2), middleB = lowB + ((highB - lowB) / 2);
            int belowA = 0, belowB = 0;
            for (int i = thread; i < a.Count; i += size)
            {
                int x = a.X[i];
                belowA += x <= middleA ? 1 : 0;
                belowB += x <= middleB ? 1 : 0;
            }

            var shared = places.SubView((step & 1) * 2 * size, 2 * size);
            shared[thread] = belowA;
            shared[size + thread] = belowB;
            Group.Barrier();
            for (int half = size / 2; half > 0; half /= 2)
            {
                if (thread < half)
                {
                    shared[thread] += shared[thread + half];
                    shared[size + thread] += shared[size + thread + half];
                }

                Group.Barrier();
            }

            belowA = shared[0];
            belowB = shared[size];
            bool downA = belowA > lowerRank, downB = belowB > upperRank;
            highA = downA ? middleA : highA;
            lowA = downA ? lowA : middleA + 1;
            highB = downB ? middleB : highB;
            lowB = downB ? lowB : middleB + 1;
        }

        if (thread == 0)
        {
            a.Median[0] = 0.5f * (Interop.IntAsFloat((uint)lowA) + Interop.IntAsFloat((uint)lowB));
        }
    }

    // One thread owns every (grid size)-th element.
    [CudaKernel]
    public static void Rbf(RbfArgs a)
    {
        float factor = RbfKernel.Factor(a.Median[0], a.Bandwidth);
        for (long i = Grid.GlobalIndex.X; i < a.Count; i += Grid.DimX * Group.DimX)
        {
            a.D[i] = MathF.Exp(factor * a.D[i]);
        }
    }
}
