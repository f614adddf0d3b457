using SmartFrz.Kernels.Cpu;
using SmartFrz.Kernels.Cuda;

namespace SmartFrz.Kernels;

/// <summary>What a sum adds up: a function of each element.</summary>
public interface ISumOp : IUnaryOp;

/// <summary>x: a plain sum.</summary>
public readonly struct SumOp : ISumOp
{
    /// <inheritdoc/>
    public static string Name => "sum";

    /// <inheritdoc/>
    public float Apply(float x) => x;

    /// <inheritdoc/>
    public V Apply<S, V>(V x)
        where S : struct, ISimd<V>
        where V : unmanaged
        => x;
}

/// <summary>x^2: a sum of squares.</summary>
public readonly struct SumSquaresOp : ISumOp
{
    /// <inheritdoc/>
    public static string Name => "sum_squares";

    /// <inheritdoc/>
    public float Apply(float x) => x * x;

    /// <inheritdoc/>
    public V Apply<S, V>(V x)
        where S : struct, ISimd<V>
        where V : unmanaged
        => S.Mul(x, x);
}

/// <summary>
/// y[k] = scale * sum of f(x) over the reduced axes, or y[k] += that. When the geometry asks for several pieces, it leaves their
/// sums as doubles in a workspace, and <see cref="SumFinishKernel"/> adds those.
/// </summary>
/// <remarks>
/// Vectors add up a few hundred elements in single precision, everything above that is double, in an order that depends on the
/// extents alone: the same bits for any number of threads.
/// </remarks>
public readonly unsafe struct SumKernel<TOp>(in ReduceGeometry geometry, double scale, DeviceBuffer x, DeviceBuffer y, bool accumulate = false) : IKernel
    where TOp : unmanaged, ISumOp
{
    private readonly ReduceGeometry _geometry = geometry;
    private readonly double _scale = scale;
    private readonly DeviceBuffer _x = x, _y = y;
    private readonly bool _accumulate = accumulate;

    /// <inheritdoc/>
    public static string Name => TOp.Name;

    /// <inheritdoc/>
    public KernelCost Cost => new(
        _geometry.Elements,
        (_geometry.Elements * sizeof(float))
            + (_geometry.Pieces > 1 ? WorkspaceBytes(_geometry) : (long)_geometry.Outputs * sizeof(float) * (_accumulate ? 2 : 1)));

    /// <summary>
    /// The size of the workspace that <c>y</c> must be when the geometry has more than one piece: a double for each cell, piece
    /// and column.
    /// </summary>
    public static long WorkspaceBytes(in ReduceGeometry geometry) => (long)geometry.Outputs * geometry.Pieces * sizeof(double);

    /// <inheritdoc/>
    public void Run(CpuContext cpu)
    {
        bool partial = _geometry.Pieces > 1;
        new SumCpu<TOp>
        {
            Cpu = cpu,
            Geometry = _geometry,
            X = CpuContext.Floats(_x),
            Y = partial ? null : CpuContext.Floats(_y),
            Partials = partial ? CpuContext.Pointer<double>(_y) : null,
            Scale = _scale,
            Accumulate = _accumulate,
        }.Run();
    }

    /// <inheritdoc/>
    public void Run(CudaContext cuda)
    {
        bool partial = _geometry.Pieces > 1;
        SumCuda.Launch<TOp>(cuda, new SumCuda.Args<TOp>
        {
            Geometry = _geometry,
            X = CudaContext.Floats(_x),
            Y = partial ? default : CudaContext.Floats(_y),
            Partials = partial ? CudaContext.View<double>(_y) : default,
            Scale = _scale,
            Accumulate = _accumulate ? 1 : 0,
            IsPartial = partial ? 1 : 0,
        });
    }
}

/// <summary>y[k] = scale * sum of the partial sums of result k, or y[k] += that.</summary>
public readonly unsafe struct SumFinishKernel(in ReduceGeometry geometry, double scale, DeviceBuffer partials, DeviceBuffer y, bool accumulate = false) : IKernel
{
    private readonly ReduceGeometry _geometry = geometry;
    private readonly double _scale = scale;
    private readonly DeviceBuffer _partials = partials, _y = y;
    private readonly bool _accumulate = accumulate;

    /// <inheritdoc/>
    public static string Name => "sum.finish";

    /// <inheritdoc/>
    public KernelCost Cost => new(
        (long)_geometry.Outputs * _geometry.Pieces,
        ((long)_geometry.Outputs * _geometry.Pieces * sizeof(double)) + ((long)_geometry.Outputs * sizeof(float) * (_accumulate ? 2 : 1)));

    /// <inheritdoc/>
    public void Run(CpuContext cpu)
    {
        // A few thousand doubles at most: not worth a second thread.
        double* partials = CpuContext.Pointer<double>(_partials);
        float* y = CpuContext.Floats(_y);
        int columns = _geometry.K3;
        for (int k = 0; k < _geometry.Outputs; k++)
        {
            double* first = partials + ((long)(k / columns) * _geometry.Pieces * columns) + (k % columns);
            double sum = 0;
            for (int p = 0; p < _geometry.Pieces; p++)
            {
                sum += first[(long)p * columns];
            }

            float result = (float)(_scale * sum);
            y[k] = _accumulate ? y[k] + result : result;
        }
    }

    /// <inheritdoc/>
    public void Run(CudaContext cuda) =>
        cuda.LaunchRows(SumCuda.Finish, _geometry.Outputs, new SumCuda.FinishArgs
        {
            Partials = CudaContext.View<double>(_partials),
            Y = CudaContext.Floats(_y),
            Columns = _geometry.K3,
            Pieces = _geometry.Pieces,
            Scale = _scale,
            Accumulate = _accumulate ? 1 : 0,
        });
}
