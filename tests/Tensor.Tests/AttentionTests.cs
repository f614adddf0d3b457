using SmartFrz.Kernels;
using SmartFrz.Kernels.Cpu;
using SmartFrz.Tensors.Verification;

namespace SmartFrz.Tensors.Tests;

/// <summary>Attention at the sizes of real models: too many numbers for finite differences, so the gradients are written out in double precision.</summary>
public sealed class AttentionTests
{
    private const int B = 2, H = 2, D = 64;

    public static TheoryData<CpuIsa> Isas => [.. Enum.GetValues<CpuIsa>().Where(isa => isa.IsSupported())];

    [Theory]
    [MemberData(nameof(Isas))]
    public void Real_sizes_match_double_precision(CpuIsa isa)
    {
        using var device = new CpuDevice(2, isa);
        foreach (bool causal in new[] { false, true })
        {
            foreach (int[]? lengths in new int[]?[] { null, [197, 130] })
            {
                var op = Case(150, 197, causal, lengths);
                var x = op.DoubleOperands();
                var (y, gradients) = Reference(x, 150, 197, causal, lengths, 1 / Math.Sqrt(D));
                Close.Assert($"{op.Name} on {isa}", y, OpRun.Forward(device, op), op.Tolerance);
                var actual = OpRun.Gradients(device, op, NeedMask.All(3));
                for (int i = 0; i < 3; i++)
                {
                    Close.Assert($"{op.Name} on {isa}, gradient {i}", gradients[i], actual[i]!, op.GradTolerance);
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Isas))]
    public void The_bits_do_not_depend_on_the_number_of_threads(CpuIsa isa)
    {
        var op = Case(70, 150, causal: true, [150, 99]);
        using var one = new CpuDevice(1, isa);
        float[] y = OpRun.Forward(one, op);
        var gradients = OpRun.Gradients(one, op, NeedMask.All(3));

        // From 3 threads on the four heads are cut into parts.
        foreach (int threads in new[] { 2, 3, 8 })
        {
            using var device = new CpuDevice(threads, isa);
            Assert.Equal(y, OpRun.Forward(device, op));
            Assert.Equal(gradients, OpRun.Gradients(device, op, NeedMask.All(3)));
        }
    }

    [Theory]
    [MemberData(nameof(Isas))]
    public void Scores_far_beyond_the_range_of_the_exponential_are_no_trouble(CpuIsa isa)
    {
        using var device = new CpuDevice(2, isa);
        var op = Case(40, 300, causal: false, null, scale: 30);
        var x = op.DoubleOperands();
        var (y, _) = Reference(x, 40, 300, causal: false, null, 30);

        // A score is the sum of 64 products below 1 in size, each within half an ulp of the sum so far (below 25), times 30: an error of at most
        // 64 * 25 * 30 * 2^-24 = 3e-3 in the exponent, in practice the root of 64 of them: 4e-4.
        Close.Assert($"far out on {isa}", y, OpRun.Forward(device, op), 4e-4);
    }

    [Fact]
    public void A_padded_batch_gives_what_the_sequences_give_alone()
    {
        using var device = new CpuDevice(2);
        var padded = Case(33, 33, causal: false, [33, 7]);
        float[] y = OpRun.Forward(device, padded);
        var second = new OpCase
        {
            Name = "the second sequence alone",
            Inputs = padded.Inputs,
            Apply = (_, x) =>
            {
                var q = x[0].Slice(0, 1, 1);
                return q.Attention(x[1].Slice(0, 1, 1).Slice(2, 0, 7), x[2].Slice(0, 1, 1).Slice(2, 0, 7));
            },
            Reference = padded.Reference,
        };
        Assert.Equal(y[(y.Length / 2)..], OpRun.Forward(device, second));
    }

    [Fact]
    public void Messages_name_both_sides()
    {
        using var device = new CpuDevice(1);
        using var engine = new Engine(device);
        using var step = engine.BeginStep();
        var q = engine.NewTensor(new Shape(2, 3, 4, 5));
        Says(
            "Attention: queries (2,3,4,5), keys (2,3,6,7) and values (2,3,6,7), expected (B,H,Tq,D), (B,H,Tk,D) and (B,H,Tk,D), D at least 1",
            () => q.Attention(engine.NewTensor(new Shape(2, 3, 6, 7)), engine.NewTensor(new Shape(2, 3, 6, 7))));
        Says(
            "Attention: queries (2,3,4,5), keys (2,3,4,5) and values (2,3,6,5), expected (B,H,Tq,D), (B,H,Tk,D) and (B,H,Tk,D), D at least 1",
            () => q.Attention(q, engine.NewTensor(new Shape(2, 3, 6, 5))));
        Says(
            "Attention: queries (2,3,4,5) are 2 sequences, keyLengths (3) expects 3",
            () => q.Attention(q, q, keyLengths: engine.NewTensor(new Shape(3), DType.I32)));
        Says(
            "Attention: keys (2,3,6,5) are 6 of 2 sequences, keyTerms (2,4) expects (2,6)",
            () => q.Attention(engine.NewTensor(new Shape(2, 3, 6, 5)), engine.NewTensor(new Shape(2, 3, 6, 5)), keyTerms: engine.NewTensor(new Shape(2, 4))));
        using var learned = new Variable(engine, new Shape(2, 4), LayerId.None);
        var refused = Assert.Throws<ArgumentException>(() => q.Attention(q, q, keyTerms: learned.Value));
        Assert.Equal("Attention: keyTerms (2,4) need a gradient, none flows through them; give them detached", refused.Message);
        Says(
            "LayerNorm: input (2,3,4,5) has 5 columns, beta (4) expects 4",
            () => q.LayerNorm(engine.NewTensor(new Shape(5)), engine.NewTensor(new Shape(4))));
    }

    private static void Says(string message, Func<Tensor> operation) =>
        Assert.Equal(message, Assert.Throws<ShapeException>(() => { operation(); }).Message);

    private static OpCase Case(int tq, int tk, bool causal, int[]? lengths, float? scale = null) => new()
    {
        Name = $"attention of {tq} to {tk}{(causal ? " causal" : "")}{(lengths is null ? "" : " with lengths")}",
        Inputs = [new Shape(B, H, tq, D), new Shape(B, H, tk, D), new Shape(B, H, tk, D)],
        Apply = (engine, x) => x[0].Attention(x[1], x[2], causal, lengths is null ? null : engine.FromHost<int>(lengths, new Shape(B)), scale),
        Reference = x => Reference(x, tq, tk, causal, lengths, scale ?? 1 / Math.Sqrt(D)).Y,
    };

    private static (double[] Y, double[][] Gradients) Reference(double[][] x, int tq, int tk, bool causal, int[]? lengths, double scale)
    {
        double[] q = x[0], k = x[1], v = x[2], dy = Array.ConvertAll(OpRun.Seed(q.Length), s => (double)s);
        double[] y = new double[q.Length], dq = new double[q.Length], dk = new double[k.Length], dv = new double[v.Length], p = new double[tk];
        for (int row = 0; row < B * H * tq; row++)
        {
            int head = row / tq, seen = Math.Min(lengths?[head / H] ?? tk, causal ? (row % tq) + 1 : tk);
            var query = q.AsSpan(row * D, D);
            var up = dy.AsSpan(row * D, D);
            for (int j = 0; j < seen; j++)
            {
                p[j] = scale * Dot(query, Line(k, head, j));
            }

            double max = p.Take(seen).Max(), sum = p.Take(seen).Sum(s => Math.Exp(s - max)), delta = 0;
            for (int j = 0; j < seen; j++)
            {
                p[j] = Math.Exp(p[j] - max) / sum;
                Add(p[j], Line(v, head, j), y.AsSpan(row * D, D));
                delta += p[j] * Dot(up, Line(v, head, j));
            }

            for (int j = 0; j < seen; j++)
            {
                double ds = scale * p[j] * (Dot(up, Line(v, head, j)) - delta);
                Add(ds, Line(k, head, j), dq.AsSpan(row * D, D));
                Add(ds, query, Line(dk, head, j));
                Add(p[j], up, Line(dv, head, j));
            }
        }

        return (y, [dq, dk, dv]);

        Span<double> Line(double[] of, int head, int j) => of.AsSpan(((head * tk) + j) * D, D);
    }

    private static double Dot(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++)
        {
            sum += a[i] * b[i];
        }

        return sum;
    }

    private static void Add(double factor, ReadOnlySpan<double> x, Span<double> to)
    {
        for (int i = 0; i < x.Length; i++)
        {
            to[i] += factor * x[i];
        }
    }
}
