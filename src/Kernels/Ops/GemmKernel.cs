using SmartFrz.Kernels.Cpu;
using SmartFrz.Kernels.Cuda;

namespace SmartFrz.Kernels;

/// <summary>
/// The matrix product C[M,N] = op(A) op(B) + bias[N], or C += op(A) op(B) + bias; a batch of products in one launch.
/// </summary>
/// <param name="shape">Sizes, transposes, batch and whether C is added to.</param>
/// <param name="a">A: [M,K], or [K,M] when transposed.</param>
/// <param name="b">B: [K,N], or [N,K] when transposed.</param>
/// <param name="c">C.</param>
/// <param name="bias">Added to every row of C; may be absent.</param>
public readonly unsafe struct GemmKernel(GemmShape shape, DeviceBuffer a, DeviceBuffer b, DeviceBuffer c, DeviceBuffer bias = default) : IKernel
{
    private readonly GemmShape _shape = shape;
    private readonly DeviceBuffer _a = a, _b = b, _c = c, _bias = bias;

    /// <inheritdoc/>
    public static string Name => "matmul";

    /// <inheritdoc/>
    public KernelCost Cost => new(_shape.Flops, _shape.Bytes);

    /// <inheritdoc/>
    public void Run(CpuContext cpu)
    {
        var shape = _shape;
        float* c = CpuContext.Floats(_c);
        if (!_bias.IsNull)
        {
            var rows = new BiasRows { C = c, Bias = CpuContext.Floats(_bias), Columns = shape.N, BatchRows = shape.M, Stride = shape.StrideC, Add = shape.Accumulate };
            cpu.Pool.For(shape.M * shape.Batch, Math.Max(1, BiasRows.Grain / Math.Max(1, shape.N)), ref rows);
            shape = shape with { Accumulate = true };
        }

        CpuGemm.Run(cpu.Pool, cpu.Isa, in shape, CpuContext.Floats(_a), CpuContext.Floats(_b), c);
    }

    /// <inheritdoc/>
    public void Run(CudaContext cuda)
    {
        var args = new GemmCuda.Args
        {
            A = GemmCuda.Operand(CudaContext.Floats(_a), _shape.TransA, lines: _shape.M, depth: _shape.K, _shape.StrideA),
            B = GemmCuda.Operand(CudaContext.Floats(_b), !_shape.TransB, lines: _shape.N, depth: _shape.K, _shape.StrideB),
            C = CudaContext.Floats(_c),
            Bias = CudaContext.Floats(_bias),
            HasBias = _bias.IsNull ? 0 : 1,
            M = _shape.M,
            N = _shape.N,
            K = _shape.K,
            Batch = _shape.Batch,
            StrideC = _shape.StrideC,
            Accumulate = _shape.Accumulate ? 1 : 0,
        };
        cuda.LaunchTiles(GemmCuda.Multiply<GpuTile>, GemmCuda.Multiply<EmulatorTile>, _shape.M, _shape.N, 1, _shape.Batch, args);
    }

    /// <summary>Puts the bias where the product is then added.</summary>
    private struct BiasRows : IParallelBody
    {
        // Elements below which a second thread costs more than it brings.
        public const int Grain = 16384;

        public float* C, Bias;
        public int Columns, BatchRows;
        public long Stride;
        public bool Add;

        public readonly void Run(int begin, int end, int worker)
        {
            var bias = new ReadOnlySpan<float>(Bias, Columns);
            for (int row = begin; row < end; row++)
            {
                var c = new Span<float>(C + ((row / BatchRows) * Stride) + ((long)(row % BatchRows) * Columns), Columns);
                if (!Add)
                {
                    bias.CopyTo(c);
                    continue;
                }

                for (int i = 0; i < Columns; i++)
                {
                    c[i] += bias[i];
                }
            }
        }
    }
}
