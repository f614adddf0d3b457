using ILGPU;
using SmartFrz.Kernels.Cpu;
using SmartFrz.Kernels.Cuda;

namespace SmartFrz.Kernels;

/// <summary>
/// The row sums of two similarity matrices K and L (n by n) that the Hilbert-Schmidt independence criterion is made of: for each
/// row the five doubles sum K*L, sum K*K, sum L*L, sum K, sum L, with or without the diagonal.
/// </summary>
public readonly unsafe struct HsicRowsKernel(DeviceBuffer k, DeviceBuffer l, DeviceBuffer rows, int n, bool withDiagonal) : IKernel
{
    /// <summary>Sums of a row.</summary>
    public const int Sums = 5;

    private readonly DeviceBuffer _k = k, _l = l, _rows = rows;
    private readonly int _n = n;
    private readonly bool _withDiagonal = withDiagonal;

    /// <inheritdoc/>
    public static string Name => "hsic.rows";

    /// <inheritdoc/>
    public KernelCost Cost => new(8L * _n * _n, (2L * _n * _n * sizeof(float)) + ((long)_n * Sums * sizeof(double)));

    /// <inheritdoc/>
    public void Run(CpuContext cpu)
    {
        // Some 4k elements are worth a fork: each takes several double operations.
        const int ElementsPerPiece = 4096;
        var body = new HsicRowsCpu
        {
            K = CpuContext.Floats(_k),
            L = CpuContext.Floats(_l),
            Rows = CpuContext.Pointer<double>(_rows),
            N = _n,
            WithDiagonal = _withDiagonal,
        };
        cpu.Pool.For(_n, Math.Max(1, ElementsPerPiece / Math.Max(1, _n)), ref body);
    }

    /// <inheritdoc/>
    public void Run(CudaContext cuda) =>
        cuda.LaunchRows(HsicCuda.Rows, _n, new HsicCuda.RowArgs
        {
            K = CudaContext.Floats(_k),
            L = CudaContext.Floats(_l),
            Rows = CudaContext.View<double>(_rows),
            N = _n,
            WithDiagonal = _withDiagonal ? 1 : 0,
        });
}

/// <summary>
/// The three terms HSIC(K,L), HSIC(K,K), HSIC(L,L) from the row sums, written to or added to three doubles.
/// </summary>
/// <remarks>
/// Computes: biased (row sums with the diagonal) tr(KHLH) / (n-1)^2 = (t - 2/n r + s / n^2) / (n-1)^2 with t = sum K*L,
/// r = the sum over rows of (row sum of K) * (row sum of L), s = (sum of K) * (sum of L);
/// unbiased (without it) (t + s / ((n-1)(n-2)) - 2/(n-2) r) / (n (n-3)).
/// Source: Gretton et al., "Measuring statistical dependence with Hilbert-Schmidt norms" (2005); Song et al., "Feature selection via
/// dependence maximization" (JMLR 2012), equation 5.
/// </remarks>
public readonly unsafe struct HsicTermsKernel(DeviceBuffer rows, DeviceBuffer terms, int n, bool unbiased, bool accumulate) : IKernel
{
    /// <summary>The terms.</summary>
    public const int Terms = 3;

    private readonly DeviceBuffer _rows = rows, _terms = terms;
    private readonly int _n = n;
    private readonly bool _unbiased = unbiased, _accumulate = accumulate;

    /// <inheritdoc/>
    public static string Name => "hsic.terms";

    /// <inheritdoc/>
    public KernelCost Cost => new(11L * _n, (((long)_n * HsicRowsKernel.Sums) + (Terms * (_accumulate ? 2 : 1))) * sizeof(double));

    /// <inheritdoc/>
    public void Run(CpuContext cpu)
    {
        double* row = CpuContext.Pointer<double>(_rows), terms = CpuContext.Pointer<double>(_terms);
        var sums = default(HsicSums);
        for (int i = 0; i < _n; i++, row += HsicRowsKernel.Sums)
        {
            sums.Kl += row[0];
            sums.Kk += row[1];
            sums.Ll += row[2];
            sums.K += row[3];
            sums.L += row[4];
            sums.RowsKl += row[3] * row[4];
            sums.RowsKk += row[3] * row[3];
            sums.RowsLl += row[4] * row[4];
        }

        terms[0] = (_accumulate ? terms[0] : 0) + HsicSums.Term(sums.Kl, sums.RowsKl, sums.K * sums.L, _n, _unbiased);
        terms[1] = (_accumulate ? terms[1] : 0) + HsicSums.Term(sums.Kk, sums.RowsKk, sums.K * sums.K, _n, _unbiased);
        terms[2] = (_accumulate ? terms[2] : 0) + HsicSums.Term(sums.Ll, sums.RowsLl, sums.L * sums.L, _n, _unbiased);
    }

    /// <inheritdoc/>
    public void Run(CudaContext cuda) =>
        cuda.LaunchRows(HsicCuda.Terms, 1, new HsicCuda.TermArgs
        {
            Rows = CudaContext.View<double>(_rows),
            Terms = CudaContext.View<double>(_terms),
            N = _n,
            Unbiased = _unbiased ? 1 : 0,
            Accumulate = _accumulate ? 1 : 0,
        });
}

/// <summary>The eight sums over all rows.</summary>
internal struct HsicSums
{
    public double Kl, Kk, Ll, K, L, RowsKl, RowsKk, RowsLl;

    public static double Term(double products, double rowProducts, double totals, double n, bool unbiased) =>
        unbiased
            ? (products + (totals / ((n - 1) * (n - 2))) - (2 / (n - 2) * rowProducts)) / (n * (n - 3))
            : (products - (2 / n * rowProducts) + (totals / (n * n))) / ((n - 1) * (n - 1));
}

/// <summary>The CPU body of <see cref="HsicRowsKernel"/>: a range of rows.</summary>
internal unsafe struct HsicRowsCpu : IParallelBody
{
    public float* K, L;
    public double* Rows;
    public int N;
    public bool WithDiagonal;

    public readonly void Run(int begin, int end, int worker)
    {
        for (int i = begin; i < end; i++)
        {
            float* k = K + ((long)i * N), l = L + ((long)i * N);
            double kl = 0, kk = 0, ll = 0, sk = 0, sl = 0;
            for (int j = 0; j < N; j++)
            {
                if (j == i && !WithDiagonal)
                {
                    continue;
                }

                double a = k[j], b = l[j];
                kl += a * b;
                kk += a * a;
                ll += b * b;
                sk += a;
                sl += b;
            }

            double* row = Rows + ((long)i * HsicRowsKernel.Sums);
            (row[0], row[1], row[2], row[3], row[4]) = (kl, kk, ll, sk, sl);
        }
    }
}

/// <summary>The CUDA bodies of <see cref="HsicRowsKernel"/> and <see cref="HsicTermsKernel"/>.</summary>
internal static class HsicCuda
{
    public struct RowArgs
    {
        public ArrayView<float> K, L;
        public ArrayView<double> Rows;
        public int N;
        public int WithDiagonal;
    }

    public struct TermArgs
    {
        public ArrayView<double> Rows, Terms;
        public int N;
        public int Unbiased;
        public int Accumulate;
    }

    // One group owns one row; one thread every (group size)-th element of it, then a tree for each of the five sums.
    [CudaKernel]
    public static void Rows(RowArgs a)
    {
        var shared = SharedMemory.Allocate<double>(HsicRowsKernel.Sums * CudaDevice.FullGroup);
        int thread = Group.IdxX, size = Group.DimX, row = Grid.IdxX;
        double kl = 0, kk = 0, ll = 0, sk = 0, sl = 0;
        for (int j = thread; j < a.N; j += size)
        {
            if (j != row || a.WithDiagonal != 0)
            {
                double k = a.K[((long)row * a.N) + j], l = a.L[((long)row * a.N) + j];
                kl += k * l;
                kk += k * k;
                ll += l * l;
                sk += k;
                sl += l;
            }
        }

        shared[thread] = kl;
        shared[size + thread] = kk;
        shared[(2 * size) + thread] = ll;
        shared[(3 * size) + thread] = sk;
        shared[(4 * size) + thread] = sl;
        Tree(shared, HsicRowsKernel.Sums);
        if (thread == 0)
        {
            for (int s = 0; s < HsicRowsKernel.Sums; s++)
            {
                a.Rows[(row * HsicRowsKernel.Sums) + s] = shared[s * size];
            }
        }
    }

    // One group in all; one thread every (group size)-th row, then a tree for each of the eight sums.
    [CudaKernel]
    public static void Terms(TermArgs a)
    {
        const int Sums = 8;
        var shared = SharedMemory.Allocate<double>(Sums * CudaDevice.FullGroup);
        int thread = Group.IdxX, size = Group.DimX;
        var sums = default(HsicSums);
        for (int i = thread; i < a.N; i += size)
        {
            int row = i * HsicRowsKernel.Sums;
            double sk = a.Rows[row + 3], sl = a.Rows[row + 4];
            sums.Kl += a.Rows[row];
            sums.Kk += a.Rows[row + 1];
            sums.Ll += a.Rows[row + 2];
            sums.K += sk;
            sums.L += sl;
            sums.RowsKl += sk * sl;
            sums.RowsKk += sk * sk;
            sums.RowsLl += sl * sl;
        }

        shared[thread] = sums.Kl;
        shared[size + thread] = sums.Kk;
        shared[(2 * size) + thread] = sums.Ll;
        shared[(3 * size) + thread] = sums.K;
        shared[(4 * size) + thread] = sums.L;
        shared[(5 * size) + thread] = sums.RowsKl;
        shared[(6 * size) + thread] = sums.RowsKk;
        shared[(7 * size) + thread] = sums.RowsLl;
        Tree(shared, Sums);
        if (thread == 0)
        {
            double k = shared[3 * size], l = shared[4 * size];
            bool unbiased = a.Unbiased != 0;
            Write(a, 0, HsicSums.Term(shared[0], shared[5 * size], k * l, a.N, unbiased));
            Write(a, 1, HsicSums.Term(shared[size], shared[6 * size], k * k, a.N, unbiased));
            Write(a, 2, HsicSums.Term(shared[2 * size], shared[7 * size], l * l, a.N, unbiased));
        }
    }

    private static void Write(TermArgs a, int term, double value) => a.Terms[term] = a.Accumulate != 0 ? a.Terms[term] + value : value;

    // Adds up each of the arrays of one double a thread; the sums end in their first elements.
    private static void Tree(ArrayView<double> shared, int arrays)
    {
        int thread = Group.IdxX, size = Group.DimX;
        Group.Barrier();
        for (int half = size / 2; half > 0; half /= 2)
        {
            if (thread < half)
            {
                for (int s = 0; s < arrays; s++)
                {
                    shared[(s * size) + thread] += shared[(s * size) + thread + half];
                }
            }

            Group.Barrier();
        }
    }
}
