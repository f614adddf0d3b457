using SmartFrz.Kernels.Cpu;

namespace SmartFrz.Kernels.Tests;

/// <summary>The vector functions against double precision, over all exponents, both signs and the special values.</summary>
public sealed class SimdMathTests
{
    // Every 1021st bit pattern (a prime) up to infinity: 2.1 million numbers of each sign, denormals included.
    private const int BitStep = 1021, PositiveInfinityBits = 0x7F800000;

    private static readonly float[] Specials =
    [
        0f, -0f, float.Epsilon, -float.Epsilon, 1.17549421e-38f, 1.17549435e-38f, float.MaxValue, float.MinValue, 1f, -1f, MathF.BitDecrement(1f),
        MathF.BitIncrement(1f), 88.72283f, 88.72284f, -87.33655f, -103.97f, -103.98f, 0.625f, -0.625f, MathF.Sqrt(2f),
        float.PositiveInfinity, float.NegativeInfinity, float.NaN,
    ];

    public static TheoryData<CpuIsa> Isas => [.. Enum.GetValues<CpuIsa>().Where(isa => isa.IsSupported())];

    [Theory]
    [MemberData(nameof(Isas))]
    public void Exp_is_within_two_ulp(CpuIsa isa) => Check<ExpOp>(isa, Math.Exp, 2);

    // Results below the smallest normal float are 0.
    [Theory]
    [MemberData(nameof(Isas))]
    public void Exp_of_differences_is_within_two_ulp(CpuIsa isa) =>
        Check<ExpOfDifferenceOp>(isa, x => Math.Exp(-Math.Abs(x)) is var y && y < Math.Pow(2, -126.5) ? 0 : y, 2);

    [Theory]
    [MemberData(nameof(Isas))]
    public void Log_is_within_two_ulp(CpuIsa isa) => Check<LogOp>(isa, Math.Log, 2);

    [Theory]
    [MemberData(nameof(Isas))]
    public void Tanh_is_within_three_ulp(CpuIsa isa) => Check<TanhOp>(isa, Math.Tanh, 3);

    [Theory]
    [MemberData(nameof(Isas))]
    public void Sigmoid_is_within_four_ulp(CpuIsa isa) => Check<SigmoidOp>(isa, x => 1 / (1 + Math.Exp(-x)), 4);

    // Six roundings count: two of each polynomial's last steps, the product and the quotient; each is up to an ulp of a number just below 1.
    [Theory]
    [MemberData(nameof(Isas))]
    public void Erf_is_within_six_ulp(CpuIsa isa) => Check<ErfOp>(isa, Erf, 6);

    [Fact]
    public void Erf_of_the_CUDA_kernels_is_within_six_ulp() => Check<ScalarErfOp>(CpuIsa.Vector128, Erf, 6);

    [Theory]
    [MemberData(nameof(Isas))]
    public void Abs_is_exact(CpuIsa isa) => Check<AbsOp>(isa, Math.Abs, 0);

    [Theory]
    [MemberData(nameof(Isas))]
    public void Neg_is_exact(CpuIsa isa) => Check<NegOp>(isa, x => -x, 0);

    [Theory]
    [MemberData(nameof(Isas))]
    public void Relu6_is_exact(CpuIsa isa) => Check<Relu6Op>(isa, x => Math.Clamp(x, 0, 6), 0);

    private static void Check<TOp>(CpuIsa isa, Func<double, double> reference, double ulps)
        where TOp : unmanaged, IUnaryOp
    {
        var x = new List<float>(Specials);
        for (int bits = 0; bits >= 0 && bits < PositiveInfinityBits; bits += BitStep)
        {
            float positive = BitConverter.Int32BitsToSingle(bits);
            x.Add(positive);
            x.Add(-positive);
        }

        float[] y = Run<TOp>(isa, [.. x]);
        double worst = 0;
        float at = 0;
        for (int i = 0; i < y.Length; i++)
        {
            double expected = reference(x[i]);
            float rounded = (float)expected;
            if (!float.IsFinite(rounded))
            {
                Assert.True(rounded.Equals(y[i]), $"{TOp.Name}({x[i]:R}) is {y[i]:R}, expected {rounded:R}");
                continue;
            }

            // An ulp of a denormal result is the smallest denormal.
            double ulp = Math.Max(float.Epsilon, Math.ScaleB(1, (rounded == 0 ? -200 : Math.ILogB(rounded)) - 23));
            double error = Math.Abs(y[i] - expected) / ulp;
            if (!(error <= worst))
            {
                (worst, at) = (error, x[i]);
            }
        }

        // Half an ulp is the rounding of the exact result.
        Assert.True(worst <= ulps + 0.5, $"{TOp.Name} on {isa}: {worst:f2} ulp at {at:R}");
    }

    private static float[] Run<TOp>(CpuIsa isa, float[] x)
        where TOp : unmanaged, IUnaryOp
    {
        using var device = new CpuDevice(2, isa);
        using var context = device.CreateContext();
        var buffer = context.Rent(x.Length * sizeof(float), BufferKind.Workspace);
        context.Upload<float>(x, buffer);
        context.Launch(new UnaryKernel<TOp>(default, buffer, buffer, x.Length));
        var y = new float[x.Length];
        context.Download(buffer, y.AsSpan());
        context.Return(buffer);
        return y;
    }

    // A series of terms of one sign; beyond 6 erf differs from 1 by 2e-17.
    private static double Erf(double x)
    {
        if (!(Math.Abs(x) < 6))
        {
            return double.IsNaN(x) ? x : Math.Sign(x);
        }

        double term = x, sum = x;
        for (int n = 1; Math.Abs(term) > 1e-18 * Math.Abs(sum); n++)
        {
            term *= 2 * x * x / ((2 * n) + 1);
            sum += term;
        }

        return 2 / Math.Sqrt(Math.PI) * Math.Exp(-x * x) * sum;
    }

    private readonly struct ExpOfDifferenceOp : IUnaryOp
    {
        public static string Name => "exp_of_difference";

        public float Apply(float x) => throw new NotSupportedException();

        public V Apply<S, V>(V x)
            where S : struct, ISimd<V>
            where V : unmanaged
            => SimdMath.ExpOfDifference<S, V>(S.Sub(S.Zero, SimdMath.Abs<S, V>(x)));
    }

    private readonly struct ErfOp : IUnaryOp
    {
        public static string Name => "erf";

        public float Apply(float x) => throw new NotSupportedException();

        public V Apply<S, V>(V x)
            where S : struct, ISimd<V>
            where V : unmanaged
            => SimdMath.Erf<S, V>(x);
    }

    // Lane by lane, as a thread of a GPU has it.
    private readonly unsafe struct ScalarErfOp : IUnaryOp
    {
        public static string Name => "erf";

        public float Apply(float x) => Cuda.CudaMath.Erf(x);

        public V Apply<S, V>(V x)
            where S : struct, ISimd<V>
            where V : unmanaged
        {
            float* lanes = stackalloc float[S.Width];
            S.Store(lanes, x);
            for (int i = 0; i < S.Width; i++)
            {
                lanes[i] = Cuda.CudaMath.Erf(lanes[i]);
            }

            return S.Load(lanes);
        }
    }
}
