using System.Runtime.CompilerServices;
using ILGPU;
using SmartFrz.Kernels.Cpu;
using SmartFrz.Kernels.Cuda;

namespace SmartFrz.Kernels;

/// <summary>
/// y[k] = the largest element over the reduced axes and index[k] = the number of the first such element among them, in row-major
/// order. NaN counts as larger than everything.
/// </summary>
public readonly unsafe struct MaxKernel(in ReduceGeometry geometry, DeviceBuffer x, DeviceBuffer y, DeviceBuffer index) : IKernel
{
    private readonly ReduceGeometry _geometry = geometry;
    private readonly DeviceBuffer _x = x, _y = y, _index = index;

    /// <inheritdoc/>
    public static string Name => "max";

    /// <inheritdoc/>
    public KernelCost Cost => new(_geometry.Elements, (_geometry.Elements + (2L * _geometry.Outputs)) * sizeof(float));

    /// <inheritdoc/>
    public void Run(CpuContext cpu)
    {
        var action = new MaxCpu
        {
            Cpu = cpu,
            Geometry = _geometry,
            X = CpuContext.Floats(_x),
            Y = CpuContext.Floats(_y),
            Index = CpuContext.Pointer<int>(_index),
        };
        cpu.Isa.Run(ref action);
    }

    /// <inheritdoc/>
    public void Run(CudaContext cuda)
    {
        var args = new MaxCuda.Args
        {
            Geometry = _geometry,
            X = CudaContext.Floats(_x),
            Y = CudaContext.Floats(_y),
            Index = CudaContext.View<int>(_index),
            Outputs = _geometry.Outputs,
        };
        if (_geometry.K3 == 1)
        {
            cuda.LaunchRows(MaxCuda.Rows, _geometry.Cells, args);
        }
        else
        {
            cuda.LaunchElements(MaxCuda.Columns, _geometry.Outputs, args);
        }
    }
}

/// <summary>The CPU body of <see cref="MaxKernel"/>.</summary>
internal unsafe struct MaxCpu : ISimdAction
{
    // Columns whose running maxima stay in a first-level cache.
    private const int ColumnBlock = 1024;

    public CpuContext Cpu;
    public ReduceGeometry Geometry;
    public float* X, Y;
    public int* Index;

    public readonly void Run<S, V>()
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        // Some 16k elements are worth a fork.
        const int ElementsPerPiece = 16384;
        var body = new Body<S, V> { Geometry = Geometry, X = X, Y = Y, Index = Index };
        int units = Geometry.Cells * ((Geometry.K3 + ColumnBlock - 1) / ColumnBlock);
        Cpu.Pool.For(units, (int)Math.Clamp(ElementsPerPiece * (long)units / Math.Max(1, Geometry.Elements), 1, int.MaxValue), ref body);
    }

    private struct Body<S, V> : IParallelBody
        where S : struct, ISimd<V>
        where V : unmanaged
    {
        public ReduceGeometry Geometry;
        public float* X, Y;
        public int* Index;

        public readonly void Run(int begin, int end, int worker)
        {
            int blocks = (Geometry.K3 + ColumnBlock - 1) / ColumnBlock;
            for (int unit = begin; unit < end; unit++)
            {
                int cell = unit / blocks, column = unit % blocks * ColumnBlock;
                int columns = Math.Min(ColumnBlock, Geometry.K3 - column);
                long output = ((long)cell * Geometry.K3) + column;
                new Span<float>(Y + output, columns).Fill(float.NegativeInfinity);
                new Span<int>(Index + output, columns).Clear();
                int offset = Geometry.CellOffset(cell) + column;
                for (int t = 0; t < Geometry.Terms;)
                {
                    int n = Geometry.K3 == 1 ? Geometry.R2 : 1;
                    float* x = X + offset + Geometry.TermOffset(t);
                    if (Geometry.K3 == 1)
                    {
                        Row(x, n, t, Y + output, Index + output);
                    }
                    else
                    {
                        Line(x, columns, t, Y + output, Index + output);
                    }

                    t += n;
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static void Row(float* x, int n, int t, float* best, int* index)
        {
            float max = float.NegativeInfinity;
            int i = 0;
            if (n >= S.Width)
            {
                V m = S.Load(x);
                for (i = S.Width; i + S.Width <= n; i += S.Width)
                {
                    m = S.Max(m, S.Load(x + i));
                }

                float* lanes = stackalloc float[S.Width];
                S.Store(lanes, m);
                for (int k = 0; k < S.Width; k++)
                {
                    max = IsAbove(lanes[k], max) ? lanes[k] : max;
                }
            }

            for (; i < n; i++)
            {
                max = IsAbove(x[i], max) ? x[i] : max;
            }

            // The place is looked for only where the maximum has moved.
            if (IsAbove(max, *best))
            {
                *best = max;
                int at = 0;
                while (!(x[at] == max || float.IsNaN(x[at])))
                {
                    at++;
                }

                *index = t + at;
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static void Line(float* x, int columns, int t, float* best, int* index)
        {
            for (int c = 0; c < columns; c++)
            {
                if (IsAbove(x[c], best[c]))
                {
                    best[c] = x[c];
                    index[c] = t;
                }
            }
        }

        private static bool IsAbove(float a, float b) => a > b || (float.IsNaN(a) && !float.IsNaN(b));
    }
}

/// <summary>The CUDA bodies of <see cref="MaxKernel"/>.</summary>
internal static class MaxCuda
{
    public struct Args
    {
        public ReduceGeometry Geometry;
        public ArrayView<float> X, Y;
        public ArrayView<int> Index;
        public int Outputs;
    }

    // One group owns one result; one thread every (group size)-th term of it, then a tree takes the best and, among equals, the first.
    [CudaKernel]
    public static void Rows(Args a)
    {
        var values = SharedMemory.Allocate<float>(CudaDevice.FullGroup);
        var places = SharedMemory.Allocate<int>(CudaDevice.FullGroup);
        var g = a.Geometry;
        int thread = Group.IdxX, cell = Grid.IdxX, terms = g.Terms;
        float best = float.NegativeInfinity;
        int place = int.MaxValue;
        if (cell < g.Cells)
        {
            int offset = g.CellOffset(cell);
            for (int t = thread; t < terms; t += Group.DimX)
            {
                float x = a.X[offset + g.TermOffset(t)];
                if (place == int.MaxValue || IsAbove(x, best))
                {
                    best = x;
                    place = t;
                }
            }
        }

        values[thread] = best;
        places[thread] = place;
        Group.Barrier();
        for (int half = Group.DimX / 2; half > 0; half /= 2)
        {
            if (thread < half)
            {
                float x = values[thread + half];
                int at = places[thread + half];
                bool equal = !IsAbove(x, values[thread]) && !IsAbove(values[thread], x);
                if (IsAbove(x, values[thread]) || (equal && at < places[thread]))
                {
                    values[thread] = x;
                    places[thread] = at;
                }
            }

            Group.Barrier();
        }

        if (thread == 0 && cell < g.Cells)
        {
            a.Y[cell] = values[0];
            a.Index[cell] = places[0];
        }
    }

    // One thread owns every (grid size)-th result.
    [CudaKernel]
    public static void Columns(Args a)
    {
        var g = a.Geometry;
        int terms = g.Terms;
        for (long i = Grid.GlobalIndex.X; i < a.Outputs; i += Grid.DimX * Group.DimX)
        {
            int output = (int)i;
            int cell = output / g.K3;
            int offset = g.CellOffset(cell) + output - (cell * g.K3);
            float best = a.X[offset];
            int place = 0;
            for (int t = 1; t < terms; t++)
            {
                float x = a.X[offset + g.TermOffset(t)];
                if (IsAbove(x, best))
                {
                    best = x;
                    place = t;
                }
            }

            a.Y[output] = best;
            a.Index[output] = place;
        }
    }

    private static bool IsAbove(float a, float b) => a > b || (float.IsNaN(a) && !float.IsNaN(b));
}
