using SmartFrz.Kernels;

namespace SmartFrz.Tensors;

public sealed partial class Tensor
{
    /// <summary>Computes e^x of each element.</summary>
    /// <remarks>Gradient: dy * y. Saves: y.</remarks>
    public Tensor Exp() => UnaryFromOutput<ExpOp, ExpGradOp>(default, default);

    /// <summary>Computes the natural logarithm of each element: -infinity at 0, NaN below.</summary>
    /// <remarks>Gradient: dy / x. Saves: x.</remarks>
    public Tensor Log() => UnaryFromInput<LogOp, LogGradOp>(default, default);

    /// <summary>Computes the hyperbolic tangent of each element.</summary>
    /// <remarks>Gradient: dy * (1 - y^2). Saves: y.</remarks>
    public Tensor Tanh() => UnaryFromOutput<TanhOp, TanhGradOp>(default, default);

    /// <summary>Computes 1 / (1 + e^-x) of each element.</summary>
    /// <remarks>Gradient: dy * y * (1 - y). Saves: y.</remarks>
    public Tensor Sigmoid() => UnaryFromOutput<SigmoidOp, SigmoidGradOp>(default, default);

    /// <summary>Computes x times the share of a normal distribution below x, by the error function.</summary>
    /// <remarks>
    /// Computes: y = x F(x), F(x) = (1 + erf(x / sqrt(2))) / 2.
    /// Gradient: dy * (F(x) + x F'(x)). Saves: x.
    /// Source:   D. Hendrycks, K. Gimpel, "Gaussian Error Linear Units" (2016); PyTorch's default.
    /// </remarks>
    public Tensor Gelu() => UnaryFromInput<GeluOp, GeluGradOp>(default, default);

    /// <summary>Computes the approximation of <see cref="Gelu"/> by a hyperbolic tangent.</summary>
    /// <remarks>
    /// Computes: y = x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) / 2.
    /// Gradient: dy times its derivative. Saves: x.
    /// </remarks>
    public Tensor GeluTanh() => UnaryFromInput<GeluTanhOp, GeluTanhGradOp>(default, default);

    /// <summary>Computes the square root of each element.</summary>
    /// <remarks>Gradient: dy / (2y), infinite at 0. Saves: y.</remarks>
    public Tensor Sqrt() => UnaryFromOutput<SqrtOp, SqrtGradOp>(default, default);

    /// <summary>Computes 1 / sqrt(x) of each element.</summary>
    /// <remarks>Gradient: -dy * y^3 / 2. Saves: y.</remarks>
    public Tensor Rsqrt() => UnaryFromOutput<RsqrtOp, RsqrtGradOp>(default, default);

    /// <summary>Computes |x| of each element.</summary>
    /// <remarks>Gradient: dy times the sign of x, 0 at 0. Saves: x.</remarks>
    public Tensor Abs() => UnaryFromInput<AbsOp, AbsGradOp>(default, default);

    /// <summary>Computes x^2 of each element.</summary>
    /// <remarks>Gradient: 2 * dy * x. Saves: x.</remarks>
    public Tensor Square() => UnaryFromInput<SquareOp, SquareGradOp>(default, default);

    /// <summary>Computes 1 / x of each element.</summary>
    /// <remarks>Gradient: -dy * y^2. Saves: y.</remarks>
    public Tensor Reciprocal() => UnaryFromOutput<ReciprocalOp, ReciprocalGradOp>(default, default);

    /// <summary>Computes -x of each element.</summary>
    /// <remarks>Gradient: -dy. Saves: nothing.</remarks>
    public Tensor Neg() => Engine.Record(NegGradient.Instance, Unary(default(NegOp)), [this]);

    /// <summary>Computes x + term of each element.</summary>
    /// <remarks>Gradient: dy, without a launch: the buffer is shared. Saves: nothing.</remarks>
    public Tensor AddScalar(float term) => Engine.Record(AddScalarGradient.Instance, Unary(new AddScalarOp(term)), [this]);

    /// <summary>Holds each element within two limits.</summary>
    /// <remarks>
    /// Gradient: dy where min &lt;= x &lt;= max, else 0. Saves: x.
    /// Throws:   <see cref="ArgumentException"/> when min is above max.
    /// </remarks>
    public Tensor Clamp(float min, float max)
    {
        if (!(min <= max))
        {
            throw new ArgumentException($"Clamp: the lower limit {min:R} is not below the upper limit {max:R}");
        }

        return UnaryFromInput(new ClampOp(min, max), new ClampGradOp(min, max));
    }

    /// <summary>Computes min(max(x, 0), 6) of each element.</summary>
    /// <remarks>Gradient: dy where 0 &lt; y &lt; 6, else 0. Saves: y.</remarks>
    public Tensor Relu6() => UnaryFromOutput<Relu6Op, Relu6GradOp>(default, default);

    /// <summary>Computes x where x &gt; 0, else slope * x, of each element.</summary>
    /// <remarks>
    /// Gradient: dy where y &gt; 0, else slope * dy. Saves: y.
    /// Throws:   <see cref="ArgumentException"/> unless the slope is above 0 (the gradient reads the sign of x off y).
    /// </remarks>
    public Tensor LeakyRelu(float slope = 0.01f)
    {
        if (!(slope > 0))
        {
            throw new ArgumentException($"LeakyRelu: the slope is {slope:R}, a number above 0 is expected");
        }

        return UnaryFromOutput(new LeakyReluOp(slope), new LeakyReluGradOp(slope));
    }

    /// <summary>Computes x * sigmoid(x) of each element.</summary>
    /// <remarks>Gradient: dy * s * (1 + x * (1 - s)), s = sigmoid(x). Saves: x.</remarks>
    public Tensor Silu() => UnaryFromInput<SiluOp, SiluGradOp>(default, default);

    /// <summary>Computes x * min(max(x + 3, 0), 6) / 6 of each element.</summary>
    /// <remarks>Gradient: dy * (x / 3 + 1/2) where -3 &lt;= x &lt;= 3, dy above, 0 below. Saves: x.</remarks>
    public Tensor Hardswish() => UnaryFromInput<HardswishOp, HardswishGradOp>(default, default);

    private sealed record NegGradient : Op
    {
        public static readonly NegGradient Instance = new();

        public override string Name => NegOp.Name;

        public override SavedSet Saves(NeedMask need) => SavedSet.None;

        public override void Estimate(NeedMask need, BackwardEstimate estimate) =>
            estimate.Add(0, new UnaryKernel<NegOp>(default, default, default, estimate.InputShape(0).Count, estimate.Accumulates(0)).Cost);

        public override void Backward(BackwardContext ctx)
        {
            if (ctx.TryGrad(0, out var dx))
            {
                ctx.Launch(new UnaryKernel<NegOp>(default, ctx.GradOut, dx.Buffer, ctx.InputShape(0).Count, dx.Accumulate));
            }
        }
    }

    private sealed record AddScalarGradient : Op
    {
        public static readonly AddScalarGradient Instance = new();

        public override string Name => AddScalarOp.Name;

        public override SavedSet Saves(NeedMask need) => SavedSet.None;

        public override bool PassesGradient(int input) => true;

        public override void Estimate(NeedMask need, BackwardEstimate estimate)
        {
        }

        public override void Backward(BackwardContext ctx)
        {
        }
    }
}
