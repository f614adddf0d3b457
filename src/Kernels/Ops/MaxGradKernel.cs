using ILGPU;
using SmartFrz.Kernels.Cpu;
using SmartFrz.Kernels.Cuda;

namespace SmartFrz.Kernels;

/// <summary>dx = dy at the place of each maximum and 0 elsewhere, or dx += dy at these places.</summary>
public readonly unsafe struct MaxGradKernel(in ReduceGeometry geometry, DeviceBuffer dy, DeviceBuffer index, DeviceBuffer dx, bool accumulate = false) : IKernel
{
    private readonly ReduceGeometry _geometry = geometry;
    private readonly DeviceBuffer _dy = dy, _index = index, _dx = dx;
    private readonly bool _accumulate = accumulate;

    /// <inheritdoc/>
    public static string Name => "max.backward";

    /// <inheritdoc/>
    public KernelCost Cost => new(
        _geometry.Outputs,
        ((_accumulate ? 2L * _geometry.Outputs : _geometry.Elements) + (2L * _geometry.Outputs)) * sizeof(float));

    /// <inheritdoc/>
    public void Run(CpuContext cpu)
    {
        var body = new MaxGradCpu
        {
            Geometry = _geometry,
            Dy = CpuContext.Floats(_dy),
            Index = CpuContext.Pointer<int>(_index),
            Dx = CpuContext.Floats(_dx),
            Accumulate = _accumulate,
        };

        // Some 16k elements are worth a fork.
        const int ElementsPerPiece = 16384;
        int grain = (int)Math.Clamp(ElementsPerPiece * (long)_geometry.Cells / Math.Max(1, _geometry.Elements), 1, int.MaxValue);
        cpu.Pool.For(_geometry.Cells, grain, ref body);
    }

    /// <inheritdoc/>
    public void Run(CudaContext cuda) =>
        cuda.LaunchElements(
            MaxGradCuda.Apply,
            _geometry.Elements,
            new MaxGradCuda.Args
            {
                Geometry = _geometry,
                Dy = CudaContext.Floats(_dy),
                Index = CudaContext.View<int>(_index),
                Dx = CudaContext.Floats(_dx),
                Count = (int)_geometry.Elements,
                Accumulate = _accumulate ? 1 : 0,
            });
}

/// <summary>The CPU body of <see cref="MaxGradKernel"/>: a range of cells.</summary>
internal unsafe struct MaxGradCpu : IParallelBody
{
    public ReduceGeometry Geometry;
    public float* Dy, Dx;
    public int* Index;
    public bool Accumulate;

    public readonly void Run(int begin, int end, int worker)
    {
        int terms = Geometry.Terms, columns = Geometry.K3;
        for (int cell = begin; cell < end; cell++)
        {
            float* dx = Dx + Geometry.CellOffset(cell);
            for (int t = 0; t < terms && !Accumulate; t += Geometry.R2)
            {
                new Span<float>(dx + Geometry.TermOffset(t), Geometry.R2 * columns).Clear();
            }

            for (int c = 0; c < columns; c++)
            {
                long output = ((long)cell * columns) + c;
                dx[Geometry.TermOffset(Index[output]) + c] += Dy[output];
            }
        }
    }
}

/// <summary>The CUDA body of <see cref="MaxGradKernel"/>.</summary>
internal static class MaxGradCuda
{
    public struct Args
    {
        public ReduceGeometry Geometry;
        public ArrayView<float> Dy, Dx;
        public ArrayView<int> Index;
        public int Count;
        public int Accumulate;
    }

    // One thread owns every (grid size)-th element of dx, counted as (cell, term, column).
    [CudaKernel]
    public static void Apply(Args a)
    {
        var g = a.Geometry;
        int terms = g.Terms;
        for (long i = Grid.GlobalIndex.X; i < a.Count; i += Grid.DimX * Group.DimX)
        {
            int line = (int)i / g.K3;
            int column = (int)i - (line * g.K3);
            int cell = line / terms;
            int term = line - (cell * terms);
            int output = (cell * g.K3) + column;
            int at = g.CellOffset(cell) + g.TermOffset(term) + column;
            float dx = a.Index[output] == term ? a.Dy[output] : 0f;
            a.Dx[at] = a.Accumulate != 0 ? a.Dx[at] + dx : dx;
        }
    }
}
