namespace SmartFrz.Kernels;

/// <summary>
/// The sizes of C[M,N] = op(A)[M,K] op(B)[K,N], or C += …, row-major with tight rows; a batch is the same product at
/// <see cref="Batch"/> places of each matrix.
/// </summary>
/// <param name="M">Rows of C.</param>
/// <param name="N">Columns of C.</param>
/// <param name="K">The summed dimension.</param>
/// <param name="TransA">A is stored [K,M].</param>
/// <param name="TransB">B is stored [N,K].</param>
/// <param name="Accumulate">Add to C instead of overwriting it.</param>
/// <param name="Batch">How many products.</param>
/// <param name="StrideA">Elements from one A to the next; 0 shares one A.</param>
/// <param name="StrideB">Elements from one B to the next; 0 shares one B.</param>
/// <param name="StrideC">Elements from one C to the next.</param>
public readonly record struct GemmShape(
    int M, int N, int K, bool TransA, bool TransB, bool Accumulate, int Batch = 1, long StrideA = 0, long StrideB = 0, long StrideC = 0)
{
    /// <summary>Floating-point operations: two for each multiply-add.</summary>
    public long Flops => 2L * Batch * M * N * K;

    /// <summary>Bytes read and written when every matrix is touched once.</summary>
    public long Bytes
    {
        get
        {
            long a = (long)M * K * (StrideA == 0 ? 1 : Batch);
            long b = (long)K * N * (StrideB == 0 ? 1 : Batch);
            long c = (long)M * N * Batch * (Accumulate ? 2 : 1);
            return sizeof(float) * (a + b + c);
        }
    }
}
