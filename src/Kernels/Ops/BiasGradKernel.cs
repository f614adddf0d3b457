using SmartFrz.Kernels.Cpu;
using SmartFrz.Kernels.Cuda;

namespace SmartFrz.Kernels;

/// <summary>
/// The gradient of a bias: db[c] = sum of dy[n, c, i] over n and i, or db[c] += that. A linear layer's dy is [rows, columns, 1], a
/// convolution's [N, K, P * Q].
/// </summary>
/// <param name="dy">The output's gradient.</param>
/// <param name="db">The bias's gradient.</param>
/// <param name="outer">Extent before the channels.</param>
/// <param name="channels">Channels.</param>
/// <param name="inner">Extent after the channels.</param>
/// <param name="accumulate">Add to db.</param>
public readonly unsafe struct BiasGradKernel(DeviceBuffer dy, DeviceBuffer db, int outer, int channels, int inner, bool accumulate) : IKernel
{
    private readonly DeviceBuffer _dy = dy, _db = db;
    private readonly int _outer = outer, _channels = channels, _inner = inner;
    private readonly bool _accumulate = accumulate;

    /// <inheritdoc/>
    public static string Name => "bias.backward";

    /// <inheritdoc/>
    public KernelCost Cost
    {
        get
        {
            long elements = (long)_outer * _channels * _inner;
            return new(elements, sizeof(float) * (elements + ((long)_channels * (_accumulate ? 2 : 1))));
        }
    }

    /// <inheritdoc/>
    public void Run(CpuContext cpu)
    {
        BiasGradCpu.Run(
            cpu,
            new BiasGradCpu
            {
                Dy = CpuContext.Floats(_dy), Db = CpuContext.Floats(_db), Outer = _outer, Channels = _channels, Inner = _inner, Accumulate = _accumulate,
            });
    }

    /// <inheritdoc/>
    public void Run(CudaContext cuda)
    {
        var args = new BiasGradCuda.Args
        {
            Dy = CudaContext.Floats(_dy), Db = CudaContext.Floats(_db), Outer = _outer, Channels = _channels, Inner = _inner, Accumulate = _accumulate ? 1 : 0,
        };
        if (_inner == 1)
        {
            int columns = cuda.Group / BiasGradCuda.Lanes;
            cuda.LaunchRows(BiasGradCuda.Columns, (_channels + columns - 1) / columns, args);
        }
        else
        {
            cuda.LaunchRows(BiasGradCuda.Planes, _channels, args);
        }
    }
}
