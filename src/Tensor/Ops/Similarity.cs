using SmartFrz.Kernels;

namespace SmartFrz.Tensors;

/// <summary>The estimators of the Hilbert-Schmidt independence criterion.</summary>
public enum HsicEstimator
{
    /// <summary>tr(KHLH) / (n-1)^2: never negative, far too large for small batches. Needs 2 samples.</summary>
    Biased,

    /// <summary>HSIC1, without the diagonals: right on average for any batch size, may be negative. Needs 4 samples.</summary>
    Unbiased,
}

/// <summary>The three terms of a centred kernel alignment.</summary>
public readonly record struct HsicTerms(double KL, double KK, double LL)
{
    /// <summary>
    /// KL / sqrt(KK * LL), held within [-1, 1]; 0 when that is not a number or not defined (a constant representation, or an
    /// unbiased estimate of KK or LL that is not positive).
    /// </summary>
    public double Cka
    {
        get
        {
            double cka = KL / (Math.Sqrt(KK) * Math.Sqrt(LL));
            return KK > 0 && LL > 0 && double.IsFinite(cka) ? Math.Clamp(cka, -1, 1) : 0;
        }
    }
}

/// <summary>
/// How alike two representations of the same samples are: Gram matrices and centred kernel alignment. Booked as
/// <see cref="Phase.Freeze"/>; nothing here is recorded on the tape.
/// </summary>
/// <remarks>
/// Source: Kornblith et al., "Similarity of neural network representations revisited" (ICML 2019); the unbiased estimator over
/// minibatches is that of Nguyen, Raghu, Kornblith (ICLR 2021).
/// </remarks>
public static class Similarity
{
    /// <summary>Computes the Gram matrix X X^T of n samples, all their other axes taken as features.</summary>
    /// <param name="x">The representation, samples first.</param>
    /// <param name="centered">
    /// Subtract each feature's mean first. Alignment does not change by it, but with large means only the centred matrix keeps its
    /// digits.
    /// </param>
    /// <remarks>
    /// Shapes: x (n, ...), result (n, n).
    /// Throws: <see cref="ShapeException"/> for a scalar.
    /// </remarks>
    public static Tensor LinearGram(Tensor x, bool centered = true)
    {
        using var mode = new FreezeWork(x.Engine);
        int n = Samples(x, "LinearGram");
        var scope = x.Engine.BeginScope();
        var features = x.Reshape(n, -1);
        if (centered)
        {
            features = features.Sub(features.Mean([0]));
        }

        var gram = x.Engine.NewTensor(new Shape(n, n));
        x.Engine.Launch(new GramKernel(n, features.Shape[1], features.Buffer, gram.Buffer));
        return scope.Return(gram);
    }

    /// <summary>
    /// Computes the kernel matrix exp(-|xi - xj|^2 / (2 t^2 m)), m the median of all n^2 squared distances, the zeros of the diagonal
    /// included.
    /// </summary>
    /// <param name="x">The representation, samples first.</param>
    /// <param name="bandwidth">t: the width, as a share of the median distance.</param>
    /// <remarks>
    /// Shapes: x (n, ...), result (n, n).
    /// Throws: <see cref="ShapeException"/> for a scalar; <see cref="ArgumentException"/> unless the bandwidth is above 0.
    /// </remarks>
    public static Tensor RbfGram(Tensor x, float bandwidth = 1f)
    {
        if (!(bandwidth > 0))
        {
            throw new ArgumentException($"RbfGram: the bandwidth is {bandwidth:R}, a number above 0 is expected");
        }

        using var mode = new FreezeWork(x.Engine);
        int n = Samples(x, "RbfGram");
        var scope = x.Engine.BeginScope();
        var gram = LinearGram(x);
        var distances = x.Engine.NewTensor(new Shape(n, n));
        var median = x.Engine.NewTensor(new Shape());
        x.Engine.Launch(new PairDistanceKernel(gram.Buffer, distances.Buffer, n));
        x.Engine.Launch(new MedianKernel(distances.Buffer, median.Buffer, n * n));
        x.Engine.Launch(new RbfKernel(distances.Buffer, median.Buffer, bandwidth, n * n));
        return scope.Return(distances);
    }

    /// <summary>Computes H K H with H = I - 11^T/n: rows and columns then add up to 0.</summary>
    /// <remarks>
    /// Shapes: k (n, n), result (n, n).
    /// Throws: <see cref="ShapeException"/> unless k is square.
    /// </remarks>
    public static Tensor Center(Tensor k)
    {
        Size(k, k, HsicEstimator.Biased, "Center");
        using var mode = new FreezeWork(k.Engine);
        var scope = k.Engine.BeginScope();
        var rows = k.Sub(k.Mean([1], keepDim: true));
        return scope.Return(rows.Sub(rows.Mean([0], keepDim: true)));
    }

    /// <summary>Computes the three HSIC terms of two kernel matrices over the same samples. Waits for the device.</summary>
    /// <remarks>
    /// Shapes: k, l (n, n).
    /// Throws: <see cref="ShapeException"/> unless both are square, of one size, and large enough for the estimator.
    /// </remarks>
    public static HsicTerms Hsic(Tensor k, Tensor l, HsicEstimator estimator = HsicEstimator.Unbiased)
    {
        using var sum = new CkaAccumulator(k.Engine, estimator);
        sum.Add(k, l);
        return sum.Terms();
    }

    /// <summary>Computes the centred kernel alignment of two kernel matrices over the same samples. Waits for the device.</summary>
    /// <remarks>As <see cref="Hsic"/>.</remarks>
    public static double Cka(Tensor k, Tensor l, HsicEstimator estimator = HsicEstimator.Unbiased) => Hsic(k, l, estimator).Cka;

    internal static int Size(Tensor k, Tensor l, HsicEstimator estimator, string operation)
    {
        int least = estimator == HsicEstimator.Unbiased ? 4 : 2;
        if (k.Shape.Rank != 2 || k.Shape != l.Shape || k.Shape[0] != k.Shape[1] || k.Shape[0] < least)
        {
            throw new ShapeException($"{operation}: kernel matrices {k.Shape} and {l.Shape}, two square ones of one size from {least} on are expected");
        }

        return k.Shape[0];
    }

    private static int Samples(Tensor x, string operation) =>
        x.Shape.Rank > 0 ? x.Shape[0] : throw new ShapeException($"{operation}: a representation of shape {x.Shape} has no samples");

    /// <summary>Work of the freezing decision: booked as such, not recorded.</summary>
    internal readonly struct FreezeWork : IDisposable
    {
        private readonly Engine _engine;
        private readonly Phase _phase;
        private readonly Engine.GradMode _mode;

        public FreezeWork(Engine engine)
        {
            _engine = engine;
            _phase = engine.Context.Phase;
            _mode = engine.NoGrad();
            engine.Context.Phase = Phase.Freeze;
        }

        public void Dispose()
        {
            _engine.Context.Phase = _phase;
            _mode.Dispose();
        }
    }
}

/// <summary>
/// Centred kernel alignment over many batches: the three HSIC terms are added up batch by batch, on the device, and only the sums
/// are divided. (The mean of the batches' own alignments is something else, and biased.)
/// </summary>
public sealed class CkaAccumulator : IDisposable
{
    private readonly Engine _engine;
    private readonly HsicEstimator _estimator;
    private DeviceBuffer _terms;

    /// <summary>An empty sum.</summary>
    public CkaAccumulator(Engine engine, HsicEstimator estimator = HsicEstimator.Unbiased)
    {
        _engine = engine;
        _estimator = estimator;
        _terms = engine.Context.Rent(HsicTermsKernel.Terms * sizeof(double), BufferKind.Cache);
    }

    /// <summary>Batches added since the start or the last <see cref="Reset"/>.</summary>
    public int Batches { get; private set; }

    /// <summary>Adds a batch: two kernel matrices over the same samples. Does not wait for the device.</summary>
    /// <exception cref="ShapeException">They are not square, not of one size, or too small for the estimator.</exception>
    public void Add(Tensor k, Tensor l)
    {
        k.RequireSameEngine(l, "Cka");
        int n = Similarity.Size(k, l, _estimator, "Cka");
        using var mode = new Similarity.FreezeWork(_engine);
        var rows = _engine.Context.Rent((long)n * HsicRowsKernel.Sums * sizeof(double), BufferKind.Workspace);
        bool unbiased = _estimator == HsicEstimator.Unbiased;
        _engine.Launch(new HsicRowsKernel(k.Buffer, l.Buffer, rows, n, withDiagonal: !unbiased));
        _engine.Launch(new HsicTermsKernel(rows, _terms, n, unbiased, accumulate: Batches > 0));
        _engine.Context.Return(rows);
        Batches++;
    }

    /// <summary>The mean terms of the batches; zeros without any. Waits for the device.</summary>
    public HsicTerms Terms()
    {
        if (Batches == 0)
        {
            return default;
        }

        Span<double> terms = stackalloc double[HsicTermsKernel.Terms];
        _engine.Context.Download(_terms, terms);
        return new HsicTerms(terms[0] / Batches, terms[1] / Batches, terms[2] / Batches);
    }

    /// <summary>Begins anew.</summary>
    public void Reset() => Batches = 0;

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_terms.IsNull)
        {
            _engine.Context.Return(_terms);
            _terms = default;
        }
    }
}
