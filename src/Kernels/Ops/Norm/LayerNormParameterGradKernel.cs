using ILGPU;
using SmartFrz.Kernels.Cpu;
using SmartFrz.Kernels.Cuda;

namespace SmartFrz.Kernels;

/// <summary>The gradients of a layer normalisation's parameters, one of them or both in one pass over dy.</summary>
/// <remarks>
/// Computes: dgamma = the sum of dy * xhat over rows, dbeta = the sum of dy; first over fixed pieces of the rows, then over the pieces in order.
///           dbeta alone does not read x.
/// Shapes:   dy, x (rows, columns); mean, rstd (rows); dgamma, dbeta (columns); partials of <see cref="LayerNormShape.PartialBytes"/>.
/// </remarks>
public readonly unsafe struct LayerNormParameterGradKernel : IKernel
{
    private readonly LayerNormShape _shape;
    private readonly DeviceBuffer _dy, _x, _mean, _rstd, _partials, _dgamma, _dbeta;
    private readonly bool _needsGamma, _needsBeta, _addGamma, _addBeta;

    /// <summary>A launch for these sizes; what is not needed may be absent.</summary>
    /// <param name="shape">The sizes.</param>
    /// <param name="needsGamma">Whether dgamma is written.</param>
    /// <param name="needsBeta">Whether dbeta is written.</param>
    /// <param name="addGamma">Add to dgamma.</param>
    /// <param name="addBeta">Add to dbeta.</param>
    /// <param name="dy">The output's gradient.</param>
    /// <param name="x">The input.</param>
    /// <param name="mean">The rows' means.</param>
    /// <param name="rstd">The rows' reciprocal deviations.</param>
    /// <param name="partials">Scratch memory.</param>
    /// <param name="dgamma">The gradient of the factors.</param>
    /// <param name="dbeta">The gradient of the terms.</param>
    public LayerNormParameterGradKernel(
        LayerNormShape shape,
        bool needsGamma,
        bool needsBeta,
        bool addGamma,
        bool addBeta,
        DeviceBuffer dy = default,
        DeviceBuffer x = default,
        DeviceBuffer mean = default,
        DeviceBuffer rstd = default,
        DeviceBuffer partials = default,
        DeviceBuffer dgamma = default,
        DeviceBuffer dbeta = default)
    {
        (_shape, _needsGamma, _needsBeta, _addGamma, _addBeta) = (shape, needsGamma, needsBeta, addGamma, addBeta);
        (_dy, _x, _mean, _rstd, _partials, _dgamma, _dbeta) = (dy, x, mean, rstd, partials, dgamma, dbeta);
    }

    /// <inheritdoc/>
    public static string Name => "layer_norm.backward_parameters";

    /// <inheritdoc/>
    public KernelCost Cost
    {
        get
        {
            int written = (_needsGamma ? _addGamma ? 2 : 1 : 0) + (_needsBeta ? _addBeta ? 2 : 1 : 0);
            return new(
                ((_needsGamma ? 4 : 0) + (_needsBeta ? 1 : 0)) * _shape.Count,
                sizeof(float) * (((_needsGamma ? 2 : 1) * _shape.Count) + (_needsGamma ? 2L * _shape.Rows : 0) + ((long)written * _shape.Columns)));
        }
    }

    /// <inheritdoc/>
    public void Run(CpuContext cpu) => CpuLayerNormSums.Run(cpu, new CpuLayerNormSums.Problem
    {
        Shape = _shape,
        Dy = CpuContext.Floats(_dy),
        X = _needsGamma ? CpuContext.Floats(_x) : null,
        Mean = _needsGamma ? CpuContext.Floats(_mean) : null,
        Rstd = _needsGamma ? CpuContext.Floats(_rstd) : null,
        Partials = CpuContext.Floats(_partials),
        Dgamma = _needsGamma ? CpuContext.Floats(_dgamma) : null,
        Dbeta = _needsBeta ? CpuContext.Floats(_dbeta) : null,
        AddGamma = _addGamma,
        AddBeta = _addBeta,
    });

    /// <inheritdoc/>
    public void Run(CudaContext cuda)
    {
        var args = new LayerNormCuda.SumArgs
        {
            Dy = CudaContext.Floats(_dy),
            X = CudaContext.Floats(_needsGamma ? _x : default),
            Mean = CudaContext.Floats(_needsGamma ? _mean : default),
            Rstd = CudaContext.Floats(_needsGamma ? _rstd : default),
            Partials = CudaContext.Floats(_partials),
            Dgamma = CudaContext.Floats(_needsGamma ? _dgamma : default),
            Dbeta = CudaContext.Floats(_needsBeta ? _dbeta : default),
            Rows = _shape.Rows,
            Columns = _shape.Columns,
            Pieces = _shape.Pieces,
            NeedsGamma = _needsGamma ? 1 : 0,
            NeedsBeta = _needsBeta ? 1 : 0,
            AddGamma = _addGamma ? 1 : 0,
            AddBeta = _addBeta ? 1 : 0,
        };
        int stripes = (_shape.Columns + cuda.Group - 1) / cuda.Group;
        cuda.Launch(LayerNormCuda.PieceSums, new Index3D(stripes, _shape.Pieces, 1), new Index3D(cuda.Group, 1, 1), args);
        cuda.LaunchElements(LayerNormCuda.FinishSums, _shape.Columns, args);
    }
}
