using SmartFrz.Kernels;

namespace SmartFrz.Tensors;

public sealed partial class Tensor
{
    /// <summary>Computes the matrix product op(A) op(B), where op transposes when asked; a batch of products when there are leading axes.</summary>
    /// <remarks>
    /// Shapes:   A (..., M, K), or (..., K, M) when transposed; B (..., K, N), or (..., N, K) when transposed; the leading axes are equal;
    ///           the result is (..., M, N).
    /// Gradient: dA = dy op(B)^T, dB = op(A)^T dy, each one product. Saves: B for dA, A for dB.
    /// Throws:   <see cref="ShapeException"/> when the axes do not fit.
    /// </remarks>
    public Tensor MatMul(Tensor other, bool transposeA = false, bool transposeB = false)
    {
        RequireSameEngine(other, "MatMul");
        RequireType(DType.F32, "MatMul");
        other.RequireType(DType.F32, "MatMul");
        var product = Product.Of(Shape, other.Shape, transposeA, transposeB);
        var y = Engine.NewTensor(Shape.With(-2, product.M).With(-1, product.N));
        Engine.Launch(new GemmKernel(product.Forward, Buffer, other.Buffer, y.Buffer));
        return Engine.Record(new MatMulGradient(product), y, [this, other]);
    }

    /// <summary>The sizes of a product and of the two products that are its gradients.</summary>
    private readonly record struct Product(int Batch, int M, int N, int K, bool TransA, bool TransB)
    {
        public GemmShape Forward => Shape(M, N, K, TransA, TransB, (long)M * K, (long)K * N, accumulate: false);

        public static Product Of(Shape a, Shape b, bool transposeA, bool transposeB)
        {
            if (a.Rank != b.Rank || a.Rank < 2)
            {
                throw new ShapeException($"MatMul: shapes {a} and {b} must have the same number of axes, at least 2");
            }

            int batch = 1;
            for (int axis = 0; axis < a.Rank - 2; axis++)
            {
                if (a[axis] != b[axis])
                {
                    throw new ShapeException($"MatMul: the leading axes of {a} and {b} differ");
                }

                batch *= a[axis];
            }

            var (m, k) = transposeA ? (a[-1], a[-2]) : (a[-2], a[-1]);
            var (inner, n) = transposeB ? (b[-1], b[-2]) : (b[-2], b[-1]);
            if (k != inner)
            {
                throw new ShapeException(
                    $"MatMul: {Name(a, transposeA)} has {k} columns, {Name(b, transposeB)} has {inner} rows, they must be equal");
            }

            return new Product(batch, m, n, k, transposeA, transposeB);
        }

        // Where a gradient's matrix is stored transposed, the transposed product is computed: dA^T = op(B) dy^T.
        public GemmShape GradA(bool accumulate) => TransA
            ? Shape(K, M, N, TransB, true, (long)K * N, (long)M * N, accumulate)
            : Shape(M, K, N, false, !TransB, (long)M * N, (long)K * N, accumulate);

        public GemmShape GradB(bool accumulate) => TransB
            ? Shape(N, K, M, true, TransA, (long)M * N, (long)M * K, accumulate)
            : Shape(K, N, M, !TransA, false, (long)M * K, (long)M * N, accumulate);

        private static string Name(Shape shape, bool transposed) => transposed ? $"{shape} transposed" : shape.ToString();

        private GemmShape Shape(int m, int n, int k, bool transA, bool transB, long strideA, long strideB, bool accumulate) =>
            new(m, n, k, transA, transB, accumulate, Batch, strideA, strideB, (long)m * n);
    }

    private sealed record MatMulGradient(Product Product) : Op
    {
        public override string Name => GemmKernel.Name;

        public override SavedSet Saves(NeedMask need) => SavedSet.Input(0, need.Has(1)) | SavedSet.Input(1, need.Has(0));

        public override void Estimate(NeedMask need, BackwardEstimate estimate)
        {
            estimate.Add(0, new GemmKernel(Product.GradA(estimate.Accumulates(0)), default, default, default).Cost);
            estimate.Add(1, new GemmKernel(Product.GradB(estimate.Accumulates(1)), default, default, default).Cost);
        }

        public override void Backward(BackwardContext ctx)
        {
            if (ctx.TryGrad(0, out var da))
            {
                var (left, right) = Product.TransA ? (ctx.Saved(1), ctx.GradOut) : (ctx.GradOut, ctx.Saved(1));
                ctx.Launch(new GemmKernel(Product.GradA(da.Accumulate), left, right, da.Buffer));
            }

            if (ctx.TryGrad(1, out var db))
            {
                var (left, right) = Product.TransB ? (ctx.GradOut, ctx.Saved(0)) : (ctx.Saved(0), ctx.GradOut);
                ctx.Launch(new GemmKernel(Product.GradB(db.Accumulate), left, right, db.Buffer));
            }
        }
    }
}
