using SmartFrz.Kernels;
using SmartFrz.Kernels.Cpu;

namespace SmartFrz.Bench.Pairs;

/// <summary>The sizes of C[M,N] = op(A)[M,K] op(B)[K,N].</summary>
internal sealed record MatMulSettings
{
    public int M { get; init; } = 1;

    public int N { get; init; } = 1;

    public int K { get; init; } = 1;

    public bool TransA { get; init; }

    public bool TransB { get; init; }

    public int Batch { get; init; } = 1;
}

/// <summary>A matrix product.</summary>
internal sealed class MatMulKind : WorkKind<MatMulSettings>
{
    public override string Name => "matmul";

    protected override Work Create(CpuDevice device, MatMulSettings s) => new MatMul(device, s);

    private sealed class MatMul : KernelWork
    {
        public MatMul(Device device, MatMulSettings s)
            : base(device)
        {
            long a = (long)s.M * s.K, b = (long)s.K * s.N, c = (long)s.M * s.N;
            var shape = new GemmShape(s.M, s.N, s.K, s.TransA, s.TransB, false, s.Batch, a, b, c);
            Add("forward", new GemmKernel(shape, Numbers(a * s.Batch), Numbers(b * s.Batch), Numbers(c * s.Batch)));
        }
    }
}
